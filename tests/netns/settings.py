"""What run.py was told, for all other modules."""

# The program under test.
PROGRAM = ""
# Options that every tcpeek gets, before those of the scene: which capture engine, how large a filter.
OPTIONS: list[str] = []
# By how much time limits are stretched, for builds with sanitizers.
SLOW = 1.0
