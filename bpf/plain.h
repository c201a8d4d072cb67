/* The short way through a packet's headers, for what most packets are: TCP in IPv4 or IPv6 without
 * options, extension headers or tags. All others take the long way (walk.h). */
#ifndef TCPEEK_BPF_PLAIN_H
#define TCPEEK_BPF_PLAIN_H

#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>

#include "walk_state.h"

#define ETHERNET_HEADER 14

/* The header is the packet's octet `offset`, of `length`, and begins `payload` octets of the IP
 * packet; 14 octets of it can be read. */
static __always_inline void take_tcp(const struct tcphdr* tcp, __u32 offset, __u32 payload,
                                     __u32 length, struct walk* walk) {
    const __u8* octets = (const __u8*)tcp;
    __u32 header = (octets[12] >> 4) * 4U;
    walk->source.port = tcp->source;
    walk->destination.port = tcp->dest;
    walk->seq = bpf_ntohl(tcp->seq);
    walk->ack = bpf_ntohl(tcp->ack_seq);
    walk->flags = octets[13];
    walk->is_sound = header >= 20 && header <= payload && offset + header <= length;
}

/* A header without options, and 14 octets behind it; the packet's octet `offset`, of `length`. */
static __always_inline int is_plain_v4(const struct iphdr* ip, __u32 offset, __u32 length,
                                       struct walk* walk) {
    __u32 total = bpf_ntohs(ip->tot_len);
    if (*(const __u8*)ip != 0x45 || ip->protocol != 6 || (ip->frag_off & bpf_htons(0x3fff))) {
        return 0;
    }
    walk->source.high = ip->saddr;
    walk->destination.high = ip->daddr;
    take_tcp((const struct tcphdr*)(ip + 1), offset + 20, total >= 20 ? total - 20 : 0, length,
             walk);
    return 1;
}

static __always_inline int is_plain_v6(const struct ipv6hdr* ip, __u32 offset, __u32 length,
                                       struct walk* walk) {
    const __u64* addresses = (const __u64*)&ip->saddr;
    if (*(const __u8*)ip >> 4 != 6 || ip->nexthdr != 6) {
        return 0;
    }
    walk->is_v6 = 1;
    walk->source.high = addresses[0];
    walk->source.low = addresses[1];
    walk->destination.high = addresses[2];
    walk->destination.low = addresses[3];
    take_tcp((const struct tcphdr*)(ip + 1), offset + 40, bpf_ntohs(ip->payload_len), length, walk);
    return 1;
}

/* By one read, which copies. */
static __always_inline int is_plain_tcp(struct __sk_buff* skb, struct walk* walk, __u32 offset,
                                        __u16 ether_type) {
    __u64 head[8];
    if (ether_type == 0x0800) {
        return read_octets(skb, offset, head, 34) >= 0 &&
               is_plain_v4((const struct iphdr*)head, offset, skb->len, walk);
    }
    if (ether_type == 0x86dd) {
        return read_octets(skb, offset, head, 54) >= 0 &&
               is_plain_v6((const struct ipv6hdr*)head, offset, skb->len, walk);
    }
    return 0;
}

/* The same where a program may look at the packet itself, which spares the copy; only what lies in
 * the first piece of its buffer, as headers nearly always do. `offset`: a constant. */
static __always_inline int is_plain_tcp_in_place(struct __sk_buff* skb, struct walk* walk,
                                                 __u32 offset) {
    const __u8* data = (const __u8*)(unsigned long)skb->data;
    const __u8* end = (const __u8*)(unsigned long)skb->data_end;
    __u16 ether_type;
    if (data + offset + 34 > end) {
        return 0;
    }
    ether_type = (__u16)skb->protocol;
    if (offset == ETHERNET_HEADER) {
        ether_type = *(const __u16*)(data + ETHERNET_HEADER - 2);
    }
    if (ether_type == bpf_htons(0x0800)) {
        return is_plain_v4((const struct iphdr*)(data + offset), offset, skb->len, walk);
    }
    if (ether_type == bpf_htons(0x86dd) && data + offset + 54 <= end) {
        return is_plain_v6((const struct ipv6hdr*)(data + offset), offset, skb->len, walk);
    }
    return 0;
}

#endif
