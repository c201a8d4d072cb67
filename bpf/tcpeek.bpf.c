/* Decides in the kernel which packets user space must see, so that what tcpeek costs grows with
 * connections and not with packets. It may only save work: every packet that could change a
 * verdict gets through.
 *
 * Through come SYN, SYN/ACK and RST; every packet of a pair of endpoints that has an attempt now;
 * ICMP errors, if they are asked for; first fragments; and what cannot be understood here. A pair
 * is entered into `connections` at its SYN, by the program itself, since the ACK may follow before
 * user space has seen anything; user space removes it when it has no use for more.
 *
 * A packet whose pair is not there passes all the same while user space is removing entries
 * (control.sequence), since one may be entered again in that moment, while a SYN that found no
 * room may have an attempt (control.failed_inserts against control.resolved), and while what was
 * not understood may be a SYN that user space has not seen yet (control.unknown_at). */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "connections.h"
#include "maps.h"
#include "plain.h"
#include "shared.h"
#include "walk.h"

char program_license[] SEC("license") = "GPL";

#define LOOPBACK_INDEX 1 /* in every network namespace */
#define PACKET_IS_OUTGOING 4
#define TCX_NEXT (-1) /* not decided here: on to the next program, and to the stack */

/* The two sides of a packet. */
enum side { INGRESS, EGRESS };
/* What a packet's octets begin with. */
enum start { START_ETHERNET, START_NETWORK };

/* What is to be done with a packet. */
enum decision { DROP, PASS, PASS_AND_ENTER, PASS_AND_ADVANCE };

static __always_inline int decide_tcp(const struct walk* walk) {
    if (walk->flags & (FLAG_SYN | FLAG_RST)) {
        int pure = (walk->flags & (FLAG_SYN | FLAG_ACK | FLAG_RST | FLAG_FIN)) == FLAG_SYN;
        if (pure) {
            return PASS_AND_ENTER;
        }
        return walk->flags & FLAG_RST || !walk->is_sound ? PASS : PASS_AND_ADVANCE;
    }
    if (walk->is_fragment) {
        return PASS;
    }
    if (!has_attempt(walk)) {
        return DROP;
    }
    return walk->is_sound && walk->flags & FLAG_ACK ? PASS_AND_ADVANCE : PASS;
}

/* Before the packet is handed over, so that user space cannot have handled it yet. */
static __always_inline int pass_unknown(void) {
    *(volatile __u64*)&control.unknown_at = bpf_ktime_get_boot_ns();
    return PASS;
}

static __always_inline int decide(struct __sk_buff* skb, struct walk* walk, enum start start) {
    __u16 ether_type = bpf_ntohs((__u16)skb->protocol);
    __u32 ip = 0;
    int is_tagged = 0;
    __u64 packed;
    if (start == START_ETHERNET) {
        __u8 type[2];
        if (read_octets(skb, ETHERNET_HEADER - 2, type, sizeof type) < 0) {
            return pass_unknown();
        }
        ether_type = u16_at(type);
        ip = ETHERNET_HEADER;
    }
    if (ether_type == ETHER_TYPE_VLAN) {
        __u8 tag[4];
        if (read_octets(skb, ip, tag, sizeof tag) < 0) {
            return pass_unknown();
        }
        ether_type = u16_at(tag + 2);
        ip += sizeof tag;
        is_tagged = 1;
    }
    if (is_plain_tcp(skb, walk, ip, ether_type)) {
        walk->is_sound = walk->is_sound && !is_tagged;
        return decide_tcp(walk);
    }
    packed = walk_headers(skb, ip, ether_type);
    switch (end_of(packed)) {
        case WALK_UNKNOWN:
            return pass_unknown();
        case WALK_ICMP:
            return look_at_icmp ? PASS : DROP;
        case WALK_TCP:
            return read_segment(skb, packed, walk) ? decide_tcp(walk) : pass_unknown();
    }
    return DROP;
}

/* What is told of a packet beside its octets. */
#define HOW_EGRESS 1
#define HOW_NETWORK 2
#define HOW_ENTERED 4

static __always_inline void fill(struct __sk_buff* skb, struct tcpeek_record* record, __u32 octets,
                                 __u32 how) {
    record->time = bpf_ktime_get_boot_ns();
    record->interface_index = skb->ifindex;
    record->original_length = skb->len;
    record->captured_length = octets;
    record->vlan_protocol = skb->vlan_present ? bpf_ntohs((__u16)skb->vlan_proto) : 0;
    record->vlan_tag = skb->vlan_present ? (__u16)skb->vlan_tci : 0;
    record->is_raw_ip = how & HOW_NETWORK ? 1 : 0;
    record->is_egress = how & HOW_EGRESS ? 1 : 0;
    record->is_entered = how & HOW_ENTERED ? 1 : 0;
}

static __always_inline __u64 wakeup(void) {
    if (read_word(&control.armed)) {
        *(volatile __u64*)&control.armed = 0;
        return BPF_RB_FORCE_WAKEUP;
    }
    return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= wakeup_octets ? BPF_RB_FORCE_WAKEUP
                                                                        : BPF_RB_NO_WAKEUP;
}

static __noinline void count_lost(__u32 interface_index) {
    __u64 one = 1;
    __u64* lost = bpf_map_lookup_elem(&lost_by_interface, &interface_index);
    __sync_fetch_and_add(&control.lost_records, 1);
    if (lost) {
        __sync_fetch_and_add(lost, 1);
    } else if (bpf_map_update_elem(&lost_by_interface, &interface_index, &one, BPF_NOEXIST) != 0) {
        /* Another processor was first, or there are very many interfaces: the total has it. */
        lost = bpf_map_lookup_elem(&lost_by_interface, &interface_index);
        if (lost) {
            __sync_fetch_and_add(lost, 1);
        }
    }
}

/* The size of a record must be known when the program is loaded, so there is one function for
 * each. Returns whether there was room. */
#define HAND_OVER(NAME, ROOM)                                                              \
    static __noinline int NAME(struct __sk_buff* skb, __u32 octets, __u32 how) {           \
        struct tcpeek_record* record =                                                     \
            bpf_ringbuf_reserve(&ring, sizeof(struct tcpeek_record) + (ROOM), 0);          \
        if (!record) {                                                                     \
            count_lost(skb->ifindex);                                                      \
            return 0;                                                                      \
        }                                                                                  \
        /* From 1 to ROOM, a power of two, in the only way that every verifier follows. */ \
        octets = ((octets - 1) & ((ROOM)-1)) + 1;                                          \
        if (bpf_skb_load_bytes(skb, 0, record + 1, octets) < 0) {                          \
            bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);                                 \
            return 0;                                                                      \
        }                                                                                  \
        fill(skb, record, octets, how);                                                    \
        bpf_ringbuf_submit(record, wakeup());                                              \
        return 1;                                                                          \
    }

HAND_OVER(hand_over_small, TCPEEK_OCTETS_SMALL)
HAND_OVER(hand_over_medium, TCPEEK_OCTETS_MEDIUM)
HAND_OVER(hand_over_large, TCPEEK_OCTETS_LARGE)
HAND_OVER(hand_over_packet, TCPEEK_OCTETS_PACKET)
HAND_OVER(hand_over_whole, TCPEEK_OCTETS_WHOLE)

static __always_inline int hand_over(struct __sk_buff* skb, __u32 how) {
    __u32 octets = skb->len < snapshot_length ? skb->len : snapshot_length;
    if (octets <= TCPEEK_OCTETS_SMALL) {
        return hand_over_small(skb, octets, how);
    }
    if (octets <= TCPEEK_OCTETS_MEDIUM) {
        return hand_over_medium(skb, octets, how);
    }
    if (octets <= TCPEEK_OCTETS_LARGE) {
        return hand_over_large(skb, octets, how);
    }
    if (octets <= TCPEEK_OCTETS_PACKET) {
        return hand_over_packet(skb, octets, how);
    }
    return hand_over_whole(skb, octets, how);
}

static __always_inline int look(struct __sk_buff* skb, enum side side, enum start start) {
    struct walk walk;
    __u32 how;
    int decision;
    __builtin_memset(&walk, 0, sizeof walk); /* with the gaps between its members */
    decision = is_plain_tcp_in_place(skb, &walk, start == START_ETHERNET ? ETHERNET_HEADER : 0)
                   ? decide_tcp(&walk)
                   : decide(skb, &walk, start);
    /* Entered before it is handed over, or user space could be done with it before. */
    how = (side == EGRESS ? HOW_EGRESS : 0) | (start == START_NETWORK ? HOW_NETWORK : 0);
    if (decision == PASS_AND_ENTER) {
        enter(&walk);
        how |= HOW_ENTERED;
    }
    if (decision != DROP && hand_over(skb, how) && decision == PASS_AND_ADVANCE) {
        advance(&walk);
    }
    return TCX_NEXT;
}

SEC("tc")
int ingress_ethernet(struct __sk_buff* skb) {
    return look(skb, INGRESS, START_ETHERNET);
}

SEC("tc")
int egress_ethernet(struct __sk_buff* skb) {
    return look(skb, EGRESS, START_ETHERNET);
}

SEC("tc")
int ingress_network(struct __sk_buff* skb) {
    return look(skb, INGRESS, START_NETWORK);
}

SEC("tc")
int egress_network(struct __sk_buff* skb) {
    return look(skb, EGRESS, START_NETWORK);
}

static __always_inline int look_at_socket(struct __sk_buff* skb, enum start start) {
    struct walk walk;
    int decision;
    if (skip_outgoing_on_loopback && skb->ifindex == LOOPBACK_INDEX &&
        skb->pkt_type == PACKET_IS_OUTGOING) {
        return 0;
    }
    __builtin_memset(&walk, 0, sizeof walk);
    decision = decide(skb, &walk, start);
    if (decision == PASS_AND_ENTER) {
        enter(&walk);
    }
    if (decision == PASS_AND_ADVANCE) {
        advance(&walk);
    }
    return decision == DROP ? 0 : (int)snapshot_length;
}

SEC("socket")
int socket_ethernet(struct __sk_buff* skb) {
    return look_at_socket(skb, START_ETHERNET);
}

SEC("socket")
int socket_network(struct __sk_buff* skb) {
    return look_at_socket(skb, START_NETWORK);
}
