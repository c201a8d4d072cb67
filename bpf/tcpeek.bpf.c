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
 * (control.sequence), since one may be entered again in that moment, and while a SYN that found no
 * room may have an attempt (control.failed_inserts against control.resolved). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "shared.h"
#include "walk.h"

char program_license[] SEC("license") = "GPL";

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

#define ETHERNET_HEADER 14
#define LOOPBACK_INDEX 1 /* in every network namespace */
#define PACKET_IS_OUTGOING 4
#define TCX_NEXT (-1) /* not decided here: on to the next program, and to the stack */

/* The two sides of a packet. */
enum side { INGRESS, EGRESS };
/* What a packet's octets begin with. */
enum start { START_ETHERNET, START_NETWORK };

static __always_inline int precedes(const struct tcpeek_endpoint* a,
                                    const struct tcpeek_endpoint* b) {
    if (a->high != b->high) {
        return a->high < b->high;
    }
    if (a->low != b->low) {
        return a->low < b->low;
    }
    return a->port < b->port;
}

/* Whether the source is the first of the key. */
static __always_inline int make_key(const struct walk* walk, struct tcpeek_key* key) {
    int source_is_first = precedes(&walk->source, &walk->destination);
    const struct tcpeek_endpoint* first = source_is_first ? &walk->source : &walk->destination;
    const struct tcpeek_endpoint* second = source_is_first ? &walk->destination : &walk->source;
    key->first_high = first->high;
    key->first_low = first->low;
    key->second_high = second->high;
    key->second_low = second->low;
    key->first_port = first->port;
    key->second_port = second->port;
    key->family = walk->is_v6 ? 6 : 4;
    return source_is_first;
}

/* Whether this SYN's attempt will be the only one of its pair. Another one may be remembered as a
 * failure, and recover, as long as its connection is in the table. */
static __always_inline __u8 is_only_attempt(const struct tcpeek_key* key, const struct walk* walk) {
    struct tcpeek_connection* before = bpf_map_lookup_elem(&connections, key);
    return !before || before->progress == TCPEEK_COMPLETED ||
           (before->is_only && before->progress == TCPEEK_ASKED && before->isn == walk->seq);
}

/* A segment has been handed over: whether the plainest handshake has come further. */
static __noinline void advance(const struct walk* walk) {
    struct tcpeek_key key = {};
    int source_is_first = make_key(walk, &key);
    struct tcpeek_connection* connection = bpf_map_lookup_elem(&connections, &key);
    __u8 from_client;
    if (!may_advance || !connection || !connection->is_only) {
        return;
    }
    from_client = source_is_first == connection->syn_is_from_first;
    if (walk->flags & FLAG_SYN) {
        if (!from_client && connection->progress == TCPEEK_ASKED &&
            walk->ack == connection->isn + 1) {
            connection->server_isn = walk->seq;
            connection->progress = TCPEEK_ANSWERED;
        }
    } else if (from_client && connection->progress == TCPEEK_ANSWERED &&
               walk->seq == connection->isn + 1 && walk->ack == connection->server_isn + 1) {
        connection->progress = TCPEEK_COMPLETED;
    }
}

/* From here on every packet of the pair passes. Returns whether there was room. */
static __noinline int enter(const struct walk* walk) {
    struct tcpeek_key key = {};
    struct tcpeek_connection connection = {};
    connection.syn_is_from_first = (__u8)make_key(walk, &key);
    connection.stamp = bpf_ktime_get_boot_ns();
    connection.isn = walk->seq;
    connection.is_only = walk->is_sound && is_only_attempt(&key, walk);
    if (bpf_map_update_elem(&connections, &key, &connection, BPF_ANY) != 0) {
        __sync_fetch_and_add(&control.failed_inserts, 1);
        return 0;
    }
    return 1;
}

/* Whether a packet of a connection in the table passes: all do, but for those of a connection of
 * which only one direction is seen, as on a mirror of one leg. */
static __noinline int passes_one_way(struct tcpeek_connection* connection, int source_is_first) {
    __u64 now;
    if (connection->both_ways) {
        return 1;
    }
    if (source_is_first != connection->syn_is_from_first) {
        connection->both_ways = 1;
        return 1;
    }
    if (connection->passed < TCPEEK_ONE_WAY_PACKETS) {
        ++connection->passed;
        return 1;
    }
    now = bpf_ktime_get_boot_ns();
    if (now - connection->last_passed < TCPEEK_ONE_WAY_INTERVAL) {
        return 0;
    }
    connection->last_passed = now;
    return 1;
}

/* A word that user space may write at any time. */
static __always_inline __u64 read_word(const __u64* word) {
    return *(const volatile __u64*)word;
}

static __always_inline int has_attempt(const struct walk* walk) {
    struct tcpeek_key key = {};
    int source_is_first = make_key(walk, &key);
    __u64 sequence = read_word(&control.sequence);
    struct tcpeek_connection* connection = bpf_map_lookup_elem(&connections, &key);
    if (connection) {
        if (connection->progress == TCPEEK_COMPLETED) {
            return 0;
        }
        return passes_one_way(connection, source_is_first);
    }
    return sequence & 1 || sequence != read_word(&control.sequence) ||
           read_word(&control.failed_inserts) != read_word(&control.resolved);
}

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

/* Most packets are TCP in IPv4 or IPv6 without options, extension headers or tags: one read. */
static __always_inline int is_plain_tcp(struct __sk_buff* skb, struct walk* walk, __u32 ip,
                                        __u16 ether_type) {
    __u8 head[60];
    __u32 word;
    const __u8* tcp;
    __u32 ip_header;
    __u32 payload; /* octets of the IP packet behind its header */
    __u32 tcp_header;
    if (ether_type == 0x0800) {
        if (read_octets(skb, ip, head, 34) < 0 || head[0] != 0x45 || head[9] != 6 ||
            (u16_at(head + 6) & 0x3fff)) {
            return 0;
        }
        __builtin_memcpy(&word, head + 12, sizeof word);
        walk->source.high = word;
        __builtin_memcpy(&word, head + 16, sizeof word);
        walk->destination.high = word;
        tcp = head + 20;
        ip_header = 20;
        payload = u16_at(head + 2) >= 20 ? u16_at(head + 2) - 20U : 0;
    } else if (ether_type == 0x86dd) {
        if (read_octets(skb, ip, head, 54) < 0 || head[0] >> 4 != 6 || head[6] != 6) {
            return 0;
        }
        walk->is_v6 = 1;
        __builtin_memcpy(&walk->source, head + 8, 16);
        __builtin_memcpy(&walk->destination, head + 24, 16);
        tcp = head + 40;
        ip_header = 40;
        payload = u16_at(head + 4);
    } else {
        return 0;
    }
    __builtin_memcpy(&walk->source.port, tcp, 2);
    __builtin_memcpy(&walk->destination.port, tcp + 2, 2);
    __builtin_memcpy(&word, tcp + 4, sizeof word);
    walk->seq = bpf_ntohl(word);
    __builtin_memcpy(&word, tcp + 8, sizeof word);
    walk->ack = bpf_ntohl(word);
    walk->flags = tcp[13];
    tcp_header = (tcp[12] >> 4) * 4U;
    walk->is_sound =
        tcp_header >= 20 && tcp_header <= payload && ip + ip_header + tcp_header <= skb->len;
    return 1;
}

static __always_inline int decide(struct __sk_buff* skb, struct walk* walk, enum start start) {
    __u16 ether_type = bpf_ntohs((__u16)skb->protocol);
    __u32 ip = 0;
    if (start == START_ETHERNET) {
        __u8 type[2];
        if (read_octets(skb, ETHERNET_HEADER - 2, type, sizeof type) < 0) {
            return PASS;
        }
        ether_type = u16_at(type);
        ip = ETHERNET_HEADER;
    }
    if (is_plain_tcp(skb, walk, ip, ether_type)) {
        return decide_tcp(walk);
    }
    walk->offset = ip;
    walk->ether_type = ether_type;
    walk->header = HEADER_BY_ETHER_TYPE;
    switch (walk_headers(skb, walk)) {
        case WALK_UNKNOWN:
            return PASS;
        case WALK_ICMP:
            return look_at_icmp ? PASS : DROP;
        case WALK_TCP:
            return decide_tcp(walk);
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
    decision = decide(skb, &walk, start);
    /* Entered before it is handed over, or user space could be done with it before. */
    how = (side == EGRESS ? HOW_EGRESS : 0) | (start == START_NETWORK ? HOW_NETWORK : 0);
    if (decision == PASS_AND_ENTER && enter(&walk)) {
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
