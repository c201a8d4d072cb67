/* Where a walk through a packet's headers stands, and how it reads them. */
#ifndef TCPEEK_BPF_WALK_STATE_H
#define TCPEEK_BPF_WALK_STATE_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "shared.h"

#define MAX_HEADERS 14
#define MAX_TUNNELS 2
#define MAX_EXTENSIONS 6

/* What a walk ends with. */
enum walk_end {
    WALK_UNKNOWN, /* not understood */
    WALK_OTHER,   /* understood: neither TCP nor what else user space looks at */
    WALK_ICMP,    /* an ICMP message that may be an error */
    WALK_TCP,     /* the rest of `struct walk` is filled */
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

struct walk {
    __u32 offset;
    __u32 header;
    __u16 ether_type; /* HEADER_BY_ETHER_TYPE, host order */
    __u8 protocol;    /* HEADER_BY_PROTOCOL */
    __u8 tunnels;
    __u8 is_fragment; /* a first one, more follow */
    __u8 is_v6;
    struct tcpeek_endpoint source;
    struct tcpeek_endpoint destination;
    __u32 seq; /* host order */
    __u32 ack;
    __u8 flags;
    __u8 is_sound; /* lengths are such that user space cannot take it for malformed */
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

static __always_inline int walk_into_tunnel(struct walk* walk, enum header header) {
    if (++walk->tunnels > MAX_TUNNELS) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->header = header;
    return WALK_ON;
}

#endif
