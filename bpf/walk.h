/* From a packet's first header to its TCP header, through tags and at most two tunnels. What is
 * not understood is said to be so, never guessed: the packet then goes to user space, whose
 * dissector (src/dissect) knows more. Offsets count from where the packet's octets begin.
 *
 * Octets are read through a helper of the kernel, which checks the bounds and finds those that
 * lie in fragments of the packet's buffer. */
#ifndef TCPEEK_BPF_WALK_H
#define TCPEEK_BPF_WALK_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "walk_state.h"
#include "walk_tunnels.h"

static __always_inline int walk_ethernet(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 type[2];
    if (read_octets(skb, cursor->offset + 12, type, sizeof type) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->ether_type = u16_at(type);
    cursor->header = HEADER_BY_ETHER_TYPE;
    cursor->offset += 14;
    return WALK_ON;
}

static __always_inline int walk_vlan(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 tag[4];
    if (read_octets(skb, cursor->offset, tag, sizeof tag) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->ether_type = u16_at(tag + 2);
    cursor->offset += 4;
    return WALK_ON;
}

static __always_inline int walk_mpls(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 entry[4];
    if (read_octets(skb, cursor->offset, entry, sizeof entry) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->offset += 4;
    if (entry[2] & 1) {
        cursor->header = HEADER_MPLS_PAYLOAD;
    }
    return WALK_ON;
}

/* Nothing names what follows the labels. Only what can be nothing else is taken as IP, by the
 * same marks as in user space: a header checksum that is right, a length that fits. */
static __always_inline int walk_mpls_payload(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[20];
    __u32 sum = 0;
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->header = HEADER_RAW_IP;
    if (head[0] == 0x45) {
#pragma unroll
        for (int i = 0; i < 20; i += 2) {
            sum += u16_at(head + i);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return sum == 0xffff ? WALK_ON : end_walk(WALK_UNKNOWN);
    }
    if (head[0] >> 4 == 6 && cursor->offset + 40 + u16_at(head + 4) <= skb->len) {
        return WALK_ON;
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_pppoe(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[6];
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0 || head[0] != 0x11) {
        return end_walk(WALK_UNKNOWN);
    }
    if (head[1] != 0) {
        return end_walk(WALK_OTHER);
    }
    cursor->offset += 6;
    cursor->header = HEADER_PPP;
    return WALK_ON;
}

static __always_inline int walk_ppp(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 protocol[2];
    if (read_octets(skb, cursor->offset, protocol, sizeof protocol) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->offset += 2;
    cursor->header = HEADER_BY_ETHER_TYPE;
    switch (u16_at(protocol)) {
        case 0x0021:
            cursor->ether_type = 0x0800;
            return WALK_ON;
        case 0x0057:
            cursor->ether_type = 0x86dd;
            return WALK_ON;
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_ipv4(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[20];
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0 || head[0] >> 4 != 4 ||
        (head[0] & 15) < 5) {
        return end_walk(WALK_UNKNOWN);
    }
    if (u16_at(head + 6) & 0x1fff) {
        return end_walk(WALK_OTHER);
    }
    cursor->is_fragment = cursor->is_fragment || (head[6] & 0x20);
    cursor->is_v6 = 0;
    cursor->ip = cursor->offset;
    cursor->protocol = head[9];
    cursor->offset += (head[0] & 15) * 4U;
    cursor->header = HEADER_BY_PROTOCOL;
    return WALK_ON;
}

static __always_inline int is_extension(__u8 protocol) {
    return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 || protocol == 60 ||
           protocol == 135 || protocol == 139 || protocol == 140;
}

/* An extension header (RFC 8200 4) names the next one, or the protocol. One a step: a loop here has
 * too many paths for a verifier that guards against speculation (without CAP_PERFMON). */
static __always_inline int walk_extension(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[4];
    __u8 kind = cursor->protocol;
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    /* A routing header that is not used up names another destination (RFC 8200 4.4), and an
     * option for the destination may name another source (the home address, RFC 6275 6.3). */
    if (kind == 60 || (kind == 43 && head[3] != 0)) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->protocol = head[0];
    if (kind == 44) {
        if (u16_at(head + 2) & 0xfff8) {
            return end_walk(WALK_OTHER);
        }
        cursor->is_fragment = cursor->is_fragment || (head[3] & 1);
        cursor->offset += 8;
    } else if (kind == 51) {
        cursor->offset += (head[1] + 2U) * 4;
    } else {
        cursor->offset += (head[1] + 1U) * 8;
    }
    return WALK_ON;
}

static __always_inline int walk_ipv6(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[8];
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0 || head[0] >> 4 != 6) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->is_v6 = 1;
    cursor->ip = cursor->offset;
    cursor->protocol = head[6];
    cursor->offset += 40;
    cursor->header = HEADER_BY_PROTOCOL;
    return WALK_ON;
}

static __always_inline int walk_by_ether_type(struct __sk_buff* skb, struct cursor* cursor) {
    switch (cursor->ether_type) {
        case 0x0800:
            return walk_ipv4(skb, cursor);
        case 0x86dd:
            return walk_ipv6(skb, cursor);
        case 0x8100:
        case 0x88a8:
        case 0x9100:
        case 0x9200:
        case 0x9300:
            return walk_vlan(skb, cursor);
        case 0x88e7: /* service instance tag */
            cursor->offset += 4;
            cursor->header = HEADER_ETHERNET;
            return WALK_ON;
        case 0x8847:
        case 0x8848:
            return walk_mpls(skb, cursor);
        case 0x8864:
            return walk_pppoe(skb, cursor);
        case 0x8870: /* LLC in a frame that is too long for a length field */
            return end_walk(WALK_UNKNOWN);
    }
    /* A length up to 1,500: LLC follows. */
    return end_walk(cursor->ether_type <= 1500 ? WALK_UNKNOWN : WALK_OTHER);
}

static __always_inline int walk_raw_ip(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 version;
    if (read_octets(skb, cursor->offset, &version, sizeof version) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    switch (version >> 4) {
        case 4:
            return walk_ipv4(skb, cursor);
        case 6:
            return walk_ipv6(skb, cursor);
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_udp(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 head[8];
    __u16 source;
    if (read_octets(skb, cursor->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    cursor->offset += 8;
    switch (u16_at(head + 2)) {
        case 2152:
            return walk_gtp(skb, cursor);
        case 3544:
            return walk_teredo(skb, cursor);
        case 4754:
            cursor->header = HEADER_GRE;
            return WALK_ON;
        case 4789:
            cursor->offset += 8;
            return walk_into_tunnel(cursor, HEADER_ETHERNET);
        case 4790: /* the generic extension, whose header names what follows */
            return end_walk(WALK_UNKNOWN);
        case 6081:
            return walk_geneve(skb, cursor);
    }
    source = u16_at(head);
    if (source == 2152) {
        return walk_gtp(skb, cursor);
    }
    return source == 3544 ? walk_teredo(skb, cursor) : end_walk(WALK_OTHER);
}

/* Types that may be errors, as far as user space looks at them (RFC 792, RFC 4443). */
static __always_inline int walk_icmp(struct __sk_buff* skb, struct cursor* cursor) {
    __u8 type;
    if (read_octets(skb, cursor->offset, &type, sizeof type) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    if (cursor->is_v6) {
        return end_walk(type >= 1 && type <= 4 ? WALK_ICMP : WALK_OTHER);
    }
    return end_walk(type >= 3 && type <= 12 && type != 8 ? WALK_ICMP : WALK_OTHER);
}

static __always_inline int walk_by_protocol(struct __sk_buff* skb, struct cursor* cursor) {
    if (cursor->is_v6 && is_extension(cursor->protocol)) {
        return walk_extension(skb, cursor);
    }
    switch (cursor->protocol) {
        case 6:
            return end_walk(WALK_TCP);
        case 1:
            return cursor->is_v6 ? end_walk(WALK_OTHER) : walk_icmp(skb, cursor);
        case 58:
            return cursor->is_v6 ? walk_icmp(skb, cursor) : end_walk(WALK_OTHER);
        case 17:
            return walk_udp(skb, cursor);
        case 4:
            cursor->ether_type = 0x0800;
            return walk_into_tunnel(cursor, HEADER_BY_ETHER_TYPE);
        case 41:
            cursor->ether_type = 0x86dd;
            return walk_into_tunnel(cursor, HEADER_BY_ETHER_TYPE);
        case 47:
            cursor->header = HEADER_GRE;
            return WALK_ON;
        case 51:  /* authentication header */
        case 115: /* L2TP */
            return end_walk(WALK_UNKNOWN);
    }
    return end_walk(WALK_OTHER);
}

static __always_inline int walk_one(struct __sk_buff* skb, struct cursor* cursor) {
    switch (cursor->header) {
        case HEADER_ETHERNET:
            return walk_ethernet(skb, cursor);
        case HEADER_BY_ETHER_TYPE:
            return walk_by_ether_type(skb, cursor);
        case HEADER_RAW_IP:
            return walk_raw_ip(skb, cursor);
        case HEADER_BY_PROTOCOL:
            return walk_by_protocol(skb, cursor);
        case HEADER_GRE:
            return walk_gre(skb, cursor);
        case HEADER_PPP:
            return walk_ppp(skb, cursor);
        case HEADER_MPLS_PAYLOAD:
            return walk_mpls_payload(skb, cursor);
    }
    return end_walk(WALK_UNKNOWN);
}

/* A global function, so that the verifier looks at it once and not at every path through the loop
 * of its caller, which takes it a quarter of a second for each program. */
__noinline __u64 walk_header(struct __sk_buff* skb, __u64 packed) {
    struct cursor cursor;
    int end;
    unpack(packed, &cursor);
    end = walk_one(skb, &cursor);
    return pack(&cursor, end);
}

/* Fills `walk`, which was all 0, where a walk ended with WALK_TCP; returns whether it could. */
static __always_inline int read_segment(struct __sk_buff* skb, __u64 packed, struct walk* walk) {
    struct cursor cursor;
    __u8 head[14];
    __u32 number;
    unpack(packed, &cursor);
    if (cursor.is_v6) {
        __u64 addresses[4];
        if (read_octets(skb, cursor.ip + 8, addresses, sizeof addresses) < 0) {
            return 0;
        }
        walk->source.high = addresses[0];
        walk->source.low = addresses[1];
        walk->destination.high = addresses[2];
        walk->destination.low = addresses[3];
    } else {
        __u32 addresses[2];
        if (read_octets(skb, cursor.ip + 12, addresses, sizeof addresses) < 0) {
            return 0;
        }
        walk->source.high = addresses[0];
        walk->destination.high = addresses[1];
    }
    if (read_octets(skb, cursor.offset, head, sizeof head) < 0) {
        return 0;
    }
    walk->is_v6 = cursor.is_v6;
    walk->is_fragment = cursor.is_fragment;
    walk->source.port = *(const __u16*)head;
    walk->destination.port = *(const __u16*)(head + 2);
    __builtin_memcpy(&number, head + 4, sizeof number);
    walk->seq = bpf_ntohl(number);
    __builtin_memcpy(&number, head + 8, sizeof number);
    walk->ack = bpf_ntohl(number);
    walk->flags = head[13];
    return 1;
}

/* From the octet `offset`, where `ether_type` begins, to the end, which end_of() says. */
static __always_inline __u64 walk_headers(struct __sk_buff* skb, __u32 offset, __u16 ether_type) {
    struct cursor cursor = {};
    __u64 packed;
    cursor.offset = offset;
    cursor.ether_type = ether_type;
    cursor.header = HEADER_BY_ETHER_TYPE;
    packed = pack(&cursor, WALK_ON);
    for (int i = 0; i < MAX_HEADERS; ++i) {
        packed = walk_header(skb, packed);
        if (end_of(packed) != WALK_ON) {
            return packed;
        }
    }
    return pack(&cursor, end_walk(WALK_UNKNOWN));
}

#endif
