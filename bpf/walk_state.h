/* Where a walk through a packet's headers stands, how it reads them, and what it finds. */
#ifndef TCPEEK_BPF_WALK_STATE_H
#define TCPEEK_BPF_WALK_STATE_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "shared.h"

#define ETHER_TYPE_VLAN 0x8100

#define MAX_HEADERS 20
#define MAX_TUNNELS 2

/* What a walk ends with. */
enum walk_end {
    WALK_UNKNOWN, /* not understood */
    WALK_OTHER,   /* understood: neither TCP nor what else user space looks at */
    WALK_ICMP,    /* an ICMP message that may be an error */
    WALK_TCP,     /* a TCP segment */
};

/* What is read at `offset`. */
enum header {
    HEADER_ETHERNET,
    HEADER_BY_ETHER_TYPE,
    HEADER_RAW_IP,
    HEADER_BY_PROTOCOL,
    HEADER_GRE,
    HEADER_PPP,
    HEADER_MPLS_PAYLOAD,
};

struct cursor {
    __u32 offset;
    __u32 ip; /* offset of the last IP header */
    __u32 header;
    __u16 ether_type; /* HEADER_BY_ETHER_TYPE, host order */
    __u8 protocol;    /* HEADER_BY_PROTOCOL */
    __u8 tunnels;
    __u8 is_fragment; /* a first one, more follow */
    __u8 is_v6;
};

/* What was found: a TCP segment. Each member is a whole word: without CAP_PERFMON, Linux 6.1 and
 * before let nobody write a part of a word of the stack that holds a known number. */
struct walk {
    __u64 is_fragment; /* a first one, more follow */
    __u64 is_v6;
    struct tcpeek_endpoint source;
    struct tcpeek_endpoint destination;
    __u64 seq; /* host order */
    __u64 ack;
    __u64 flags;
    __u64 is_sound; /* lengths are such that user space cannot take it for malformed */
};

static __always_inline int read_octets(struct __sk_buff* skb, __u32 offset, void* to, __u32 count) {
    return bpf_skb_load_bytes(skb, offset, to, count);
}

static __always_inline __u16 u16_at(const __u8* octets) {
    return (__u16)(octets[0] << 8 | octets[1]);
}

static __always_inline int end_walk(enum walk_end end) {
    return (int)end;
}

/* No end yet. */
#define WALK_ON (-1)

/* A step is a function of its own for the verifier, and Linux 5.10 lets such a one have numbers
 * only, no pointers to memory: a cursor and how the walk goes on, in one. */
static __always_inline __u64 pack(const struct cursor* cursor, int end) {
    __u64 type = cursor->header == HEADER_BY_PROTOCOL ? cursor->protocol : cursor->ether_type;
    if (cursor->offset > 0xffff) {
        end = end_walk(WALK_UNKNOWN);
    }
    return (__u64)(cursor->offset & 0xffff) | (__u64)(cursor->ip & 0xffff) << 16 | type << 32 |
           (__u64)(cursor->header & 7) << 48 | (__u64)(cursor->tunnels & 3) << 52 |
           (__u64)(cursor->is_fragment & 1) << 54 | (__u64)(cursor->is_v6 & 1) << 55 |
           (__u64)(__u8)end << 56;
}

static __always_inline void unpack(__u64 packed, struct cursor* cursor) {
    cursor->offset = packed & 0xffff;
    cursor->ip = packed >> 16 & 0xffff;
    cursor->ether_type = (__u16)(packed >> 32);
    cursor->protocol = (__u8)(packed >> 32);
    cursor->header = packed >> 48 & 7;
    cursor->tunnels = packed >> 52 & 3;
    cursor->is_fragment = packed >> 54 & 1;
    cursor->is_v6 = packed >> 55 & 1;
}

static __always_inline int end_of(__u64 packed) {
    return (__s8)(packed >> 56);
}

static __always_inline int walk_into_tunnel(struct cursor* cursor, enum header header) {
    if (++cursor->tunnels > MAX_TUNNELS) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->header = header;
    return WALK_ON;
}

#endif
