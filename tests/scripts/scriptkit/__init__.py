"""The script language: parser, model, packet encoder, capture writers, expansion and comparison."""
