/* The tunnels that a walk follows: each step reads one header and says what stands behind it. */
#ifndef TCPEEK_BPF_WALK_TUNNELS_H
#define TCPEEK_BPF_WALK_TUNNELS_H

#include <linux/bpf.h>

#include "walk_state.h"

static __always_inline int walk_gre(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[4];
    __u16 flags;
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    flags = u16_at(head);
    /* Source routes, and the enhanced form that carries PPP, are rare. */
    if (flags & 0x4007) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->offset +=
        4 + (flags & 0x8000 ? 4U : 0U) + (flags & 0x2000 ? 4U : 0U) + (flags & 0x1000 ? 4U : 0U);
    switch (u16_at(head + 2)) {
        case 0x6558:
            return walk_into_tunnel(cursor, HEADER_ETHERNET);
        case 0x88be: /* ERSPAN: a header of its own with a sequence number only */
            cursor->offset += flags & 0x1000 ? 8U : 0U;
            return walk_into_tunnel(cursor, HEADER_ETHERNET);
        case 0x22eb: {
            __u8 options[2];
            if (read_octets(skb, cursor->offset + 10, options, sizeof options) < 0) {
                return end_walk(WALK_UNKNOWN);
            }
            cursor->offset += options[1] & 1 ? 20U : 12U;
            return walk_into_tunnel(
                cursor, (options[0] >> 2 & 0x1f) == 2 ? HEADER_RAW_IP : HEADER_ETHERNET);
        }
        case 0x880b:
            return end_walk(WALK_UNKNOWN);
    }
    cursor->ether_type = u16_at(head + 2);
    return walk_into_tunnel(cursor, HEADER_BY_ETHER_TYPE);
}

static __always_inline int walk_geneve(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[4];
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0 || head[0] >> 6) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->offset += 8 + (head[0] & 0x3f) * 4U;
    cursor->ether_type = u16_at(head + 2);
    return walk_into_tunnel(cursor,
                            cursor->ether_type == 0x6558 ? HEADER_ETHERNET : HEADER_BY_ETHER_TYPE);
}

/* GTP-U with at most one extension header, which is what 5G sends. */
static __always_inline int walk_gtp(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[2];
    __u8 extension[4];
    __u8 length;
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    if (head[0] >> 4 != 3 || head[1] != 255) {
        return end_walk(WALK_OTHER);
    }
    cursor->offset += 8;
    if (head[0] & 7) {
        if (read_octets(skb, cursor->offset, extension, sizeof extension) < 0) {
            return end_walk(WALK_UNKNOWN);
        }
        cursor->offset += 4;
        if ((head[0] & 4) && extension[3] != 0) {
            if (read_octets(skb, cursor->offset, &length, sizeof length) < 0 || length == 0) {
                return end_walk(WALK_UNKNOWN);
            }
            cursor->offset += length * 4U;
            if (read_octets(skb, cursor->offset - 1, &length, sizeof length) < 0 || length != 0) {
                return end_walk(WALK_UNKNOWN);
            }
        }
    }
    return walk_into_tunnel(cursor, HEADER_RAW_IP);
}

/* Teredo; its authentication and origin indications begin with a zero, and are rare. */
static __always_inline int walk_teredo(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 version;
    if (read_octets(skb, cursor->offset, &version, sizeof version) < 0 || version >> 4 != 6) {
        return end_walk(WALK_UNKNOWN);
    }
    return walk_into_tunnel(cursor, HEADER_RAW_IP);
}

#endif
