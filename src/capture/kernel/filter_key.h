// A connection's name as the programs in the kernel write it, and back.
#pragma once

#include "bpf/shared.h"
#include "net/connection_key.h"

namespace tcpeek {

// Octets stand as they stand in the packet; `make_key` of bpf/tcpeek.bpf.c does the same.
tcpeek_key kernel_key(const ConnectionKey& key);
ConnectionKey key_of(const tcpeek_key& words);

}  // namespace tcpeek
