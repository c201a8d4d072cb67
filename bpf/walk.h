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

static __always_inline int walk_ethernet(struct __sk_buff* skb, struct walk* walk) {
    __u8 type[2];
    if (read_octets(skb, walk->offset + 12, type, sizeof type) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->ether_type = u16_at(type);
    walk->header = HEADER_BY_ETHER_TYPE;
    walk->offset += 14;
    return WALK_ON;
}

static __always_inline int walk_vlan(struct __sk_buff* skb, struct walk* walk) {
    __u8 tag[4];
    if (read_octets(skb, walk->offset, tag, sizeof tag) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->ether_type = u16_at(tag + 2);
    walk->offset += 4;
    return WALK_ON;
}

static __always_inline int walk_mpls(struct __sk_buff* skb, struct walk* walk) {
    __u8 entry[4];
    if (read_octets(skb, walk->offset, entry, sizeof entry) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->offset += 4;
    if (entry[2] & 1) {
        walk->header = HEADER_MPLS_PAYLOAD;
    }
    return WALK_ON;
}

/* Nothing names what follows the labels. Only what can be nothing else is taken as IP, by the
 * same marks as in user space: a header checksum that is right, a length that fits. */
static __always_inline int walk_mpls_payload(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[20];
    __u32 sum = 0;
    if (read_octets(skb, walk->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->header = HEADER_RAW_IP;
    if (head[0] == 0x45) {
#pragma unroll
        for (int i = 0; i < 20; i += 2) {
            sum += u16_at(head + i);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return sum == 0xffff ? WALK_ON : end_walk(WALK_UNKNOWN);
    }
    if (head[0] >> 4 == 6 && walk->offset + 40 + u16_at(head + 4) <= skb->len) {
        return WALK_ON;
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_pppoe(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[6];
    if (read_octets(skb, walk->offset, head, sizeof head) < 0 || head[0] != 0x11) {
        return end_walk(WALK_UNKNOWN);
    }
    if (head[1] != 0) {
        return end_walk(WALK_OTHER);
    }
    walk->offset += 6;
    walk->header = HEADER_PPP;
    return WALK_ON;
}

static __always_inline int walk_ppp(struct __sk_buff* skb, struct walk* walk) {
    __u8 protocol[2];
    if (read_octets(skb, walk->offset, protocol, sizeof protocol) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->offset += 2;
    walk->header = HEADER_BY_ETHER_TYPE;
    switch (u16_at(protocol)) {
        case 0x0021:
            walk->ether_type = 0x0800;
            return WALK_ON;
        case 0x0057:
            walk->ether_type = 0x86dd;
            return WALK_ON;
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_ipv4(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[20];
    __u32 address;
    if (read_octets(skb, walk->offset, head, sizeof head) < 0 || head[0] >> 4 != 4 ||
        (head[0] & 15) < 5) {
        return end_walk(WALK_UNKNOWN);
    }
    if (u16_at(head + 6) & 0x1fff) {
        return end_walk(WALK_OTHER);
    }
    walk->is_fragment = walk->is_fragment || (head[6] & 0x20);
    walk->is_v6 = 0;
    __builtin_memcpy(&address, head + 12, sizeof address);
    walk->source.high = address;
    walk->source.low = 0;
    __builtin_memcpy(&address, head + 16, sizeof address);
    walk->destination.high = address;
    walk->destination.low = 0;
    walk->protocol = head[9];
    walk->offset += (head[0] & 15) * 4U;
    walk->header = HEADER_BY_PROTOCOL;
    return WALK_ON;
}

/* Extension headers (RFC 8200 4); the first that is none names the protocol. */
static __always_inline int walk_extensions(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[4];
    for (int i = 0; i < MAX_EXTENSIONS; ++i) {
        __u8 kind = walk->protocol;
        if (kind != 0 && kind != 43 && kind != 44 && kind != 51 && kind != 60 && kind != 135 &&
            kind != 139 && kind != 140) {
            return WALK_ON;
        }
        if (read_octets(skb, walk->offset, head, sizeof head) < 0) {
            return end_walk(WALK_UNKNOWN);
        }
        /* A routing header that is not used up names another destination (RFC 8200 4.4), and an
         * option for the destination may name another source (the home address, RFC 6275 6.3). */
        if (kind == 60 || (kind == 43 && head[3] != 0)) {
            return end_walk(WALK_UNKNOWN);
        }
        walk->protocol = head[0];
        if (kind == 44) {
            if (u16_at(head + 2) & 0xfff8) {
                return end_walk(WALK_OTHER);
            }
            walk->is_fragment = walk->is_fragment || (head[3] & 1);
            walk->offset += 8;
        } else if (kind == 51) {
            walk->offset += (head[1] + 2U) * 4;
        } else {
            walk->offset += (head[1] + 1U) * 8;
        }
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_ipv6(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[40];
    if (read_octets(skb, walk->offset, head, sizeof head) < 0 || head[0] >> 4 != 6) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->is_v6 = 1;
    __builtin_memcpy(&walk->source, head + 8, 16);
    __builtin_memcpy(&walk->destination, head + 24, 16);
    walk->protocol = head[6];
    walk->offset += 40;
    walk->header = HEADER_BY_PROTOCOL;
    return walk_extensions(skb, walk);
}

static __always_inline int walk_by_ether_type(struct __sk_buff* skb, struct walk* walk) {
    switch (walk->ether_type) {
        case 0x0800:
            return walk_ipv4(skb, walk);
        case 0x86dd:
            return walk_ipv6(skb, walk);
        case 0x8100:
        case 0x88a8:
        case 0x9100:
        case 0x9200:
        case 0x9300:
            return walk_vlan(skb, walk);
        case 0x88e7: /* service instance tag */
            walk->offset += 4;
            walk->header = HEADER_ETHERNET;
            return WALK_ON;
        case 0x8847:
        case 0x8848:
            return walk_mpls(skb, walk);
        case 0x8864:
            return walk_pppoe(skb, walk);
        case 0x8870: /* LLC in a frame that is too long for a length field */
            return end_walk(WALK_UNKNOWN);
    }
    /* A length up to 1,500: LLC follows. */
    return end_walk(walk->ether_type <= 1500 ? WALK_UNKNOWN : WALK_OTHER);
}

static __always_inline int walk_raw_ip(struct __sk_buff* skb, struct walk* walk) {
    __u8 version;
    if (read_octets(skb, walk->offset, &version, sizeof version) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    switch (version >> 4) {
        case 4:
            return walk_ipv4(skb, walk);
        case 6:
            return walk_ipv6(skb, walk);
    }
    return end_walk(WALK_UNKNOWN);
}

static __always_inline int walk_udp(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[8];
    __u16 source;
    if (read_octets(skb, walk->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    walk->offset += 8;
    switch (u16_at(head + 2)) {
        case 2152:
            return walk_gtp(skb, walk);
        case 3544:
            return walk_teredo(skb, walk);
        case 4754:
            walk->header = HEADER_GRE;
            return WALK_ON;
        case 4789:
            walk->offset += 8;
            return walk_into_tunnel(walk, HEADER_ETHERNET);
        case 4790: /* the generic extension, whose header names what follows */
            return end_walk(WALK_UNKNOWN);
        case 6081:
            return walk_geneve(skb, walk);
    }
    source = u16_at(head);
    if (source == 2152) {
        return walk_gtp(skb, walk);
    }
    return source == 3544 ? walk_teredo(skb, walk) : end_walk(WALK_OTHER);
}

static __always_inline int walk_tcp(struct __sk_buff* skb, struct walk* walk) {
    __u8 head[14];
    __u32 number;
    if (read_octets(skb, walk->offset, head, sizeof head) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    __builtin_memcpy(&walk->source.port, head, 2);
    __builtin_memcpy(&walk->destination.port, head + 2, 2);
    __builtin_memcpy(&number, head + 4, sizeof number);
    walk->seq = bpf_ntohl(number);
    __builtin_memcpy(&number, head + 8, sizeof number);
    walk->ack = bpf_ntohl(number);
    walk->flags = head[13];
    return end_walk(WALK_TCP);
}

/* Types that may be errors, as far as user space looks at them (RFC 792, RFC 4443). */
static __always_inline int walk_icmp(struct __sk_buff* skb, struct walk* walk) {
    __u8 type;
    if (read_octets(skb, walk->offset, &type, sizeof type) < 0) {
        return end_walk(WALK_UNKNOWN);
    }
    if (walk->is_v6) {
        return end_walk(type >= 1 && type <= 4 ? WALK_ICMP : WALK_OTHER);
    }
    return end_walk(type >= 3 && type <= 12 && type != 8 ? WALK_ICMP : WALK_OTHER);
}

static __always_inline int walk_by_protocol(struct __sk_buff* skb, struct walk* walk) {
    switch (walk->protocol) {
        case 6:
            return walk_tcp(skb, walk);
        case 1:
            return walk->is_v6 ? end_walk(WALK_OTHER) : walk_icmp(skb, walk);
        case 58:
            return walk->is_v6 ? walk_icmp(skb, walk) : end_walk(WALK_OTHER);
        case 17:
            return walk_udp(skb, walk);
        case 4:
            walk->ether_type = 0x0800;
            return walk_into_tunnel(walk, HEADER_BY_ETHER_TYPE);
        case 41:
            walk->ether_type = 0x86dd;
            return walk_into_tunnel(walk, HEADER_BY_ETHER_TYPE);
        case 47:
            walk->header = HEADER_GRE;
            return WALK_ON;
        case 51:  /* authentication header */
        case 115: /* L2TP */
            return end_walk(WALK_UNKNOWN);
    }
    return end_walk(WALK_OTHER);
}

/* A global function, so that the verifier looks at it once and not at every path through the loop
 * of its caller. */
__noinline int walk_header(struct __sk_buff* skb, struct walk* walk) {
    if (!walk) {
        return end_walk(WALK_UNKNOWN);
    }
    switch (walk->header) {
        case HEADER_ETHERNET:
            return walk_ethernet(skb, walk);
        case HEADER_BY_ETHER_TYPE:
            return walk_by_ether_type(skb, walk);
        case HEADER_RAW_IP:
            return walk_raw_ip(skb, walk);
        case HEADER_BY_PROTOCOL:
            return walk_by_protocol(skb, walk);
        case HEADER_GRE:
            return walk_gre(skb, walk);
        case HEADER_PPP:
            return walk_ppp(skb, walk);
        case HEADER_MPLS_PAYLOAD:
            return walk_mpls_payload(skb, walk);
    }
    return end_walk(WALK_UNKNOWN);
}

/* `walk` says where to begin; the result is an enum walk_end. */
static __always_inline int walk_headers(struct __sk_buff* skb, struct walk* walk) {
    for (int i = 0; i < MAX_HEADERS; ++i) {
        int end = walk_header(skb, walk);
        if (end != WALK_ON) {
            return end;
        }
    }
    return end_walk(WALK_UNKNOWN);
}

#endif
