/* What the programs in the kernel and src/capture/ tell each other: the layout of the connection
 * table, of what is handed over, and of the words that both write. Plain C, the only header that
 * both sides include. */
#ifndef TCPEEK_BPF_SHARED_H
#define TCPEEK_BPF_SHARED_H

#include <linux/types.h>

/* An unordered pair of endpoints. Addresses and ports stand as they stand in the packet, whatever
 * the byte order of the machine; an IPv4 address is in the first four octets, the rest 0. The
 * endpoint whose words compare less, as the machine reads them, comes first. */
struct tcpeek_endpoint {
    __u64 high;
    __u64 low;
    __u64 port;
};

struct tcpeek_key {
    __u64 first_high;
    __u64 first_low;
    __u64 second_high;
    __u64 second_low;
    __u64 rest; /* TCPEEK_KEY_REST of the ports and the family, 4 or 6 */
};

#define TCPEEK_KEY_REST(first_port, second_port, family) \
    ((__u64)(first_port) << 48 | (__u64)(second_port) << 32 | (family))

/* A connection that has an attempt now. Entered by the program at a SYN; taken out by it when the
 * plainest handshake is complete (may_leave), else by user space. */
struct tcpeek_connection {
    __u64 stamp;            /* of the last SYN: boot clock, ns */
    __u64 last_passed;      /* one_way: when a packet was last let through, boot clock, ns */
    __u32 isn;              /* of the last SYN, host order */
    __u32 passed;           /* one_way: packets let through since that SYN */
    __u32 server_isn;       /* answered: that of the SYN/ACK, host order */
    __u8 syn_is_from_first; /* who sent it */
    __u8 both_ways;         /* the other end was seen, too */
    __u8 is_only;           /* the pair has no other attempt that is under way or failed */
    __u8 progress;          /* enum tcpeek_progress, of the attempt that is_only */
};

/* How far the plainest handshake has come, of which nothing was left out on the way to user space:
 * a SYN, a SYN/ACK that acknowledges just that, and an ACK of just these two. With the third the
 * verdict is sure to be a success, so that what follows need not wait for user space to say so. */
enum tcpeek_progress {
    TCPEEK_ASKED,
    TCPEEK_ANSWERED,
    TCPEEK_COMPLETED,
};

/* So many packets of a connection of which only one direction is seen are let through, then one
 * a second: enough to see that it goes on. */
#define TCPEEK_ONE_WAY_PACKETS 64
#define TCPEEK_ONE_WAY_INTERVAL 1000000000ULL

/* Words in memory that both sides see. Each is written by one side only, but for `armed` and
 * `unknown_at`. */
struct tcpeek_control {
    /* By user space. */
    __u64 sequence; /* odd while entries are being removed */
    __u64 resolved; /* failed inserts that cannot hurt any more */
    __u64 armed;    /* user space sleeps: the next record shall wake it (the program clears it) */
    __u64 padding[5];
    /* By the programs, each by atomic addition. */
    __u64 failed_inserts; /* SYNs that found no room in the table of connections */
    __u64 lost_records;   /* packets that found no room in the ring */
    __u64 completed;      /* connections that were taken out at the end of their handshake */
    /* When a packet passed that was not understood: boot clock, ns. It may be a SYN that only user
     * space can enter, which clears this when it has handled all packets up to then. */
    __u64 unknown_at;
    __u64 more_padding[4];
};

/* A word for each slot of a hash of pairs. Its lower half counts the connections of the table that
 * fall to the slot: where it is none, nobody need search the table, which is most of what a packet
 * of established traffic costs. It is counted up before a connection is entered and down after it
 * was taken out, so that it is never too low. The upper half says how many are entering at this
 * moment, and how many did (modulo 65,536). */
#define TCPEEK_SLOTS 65536
#define TCPEEK_SLOT_COUNT 0xffffffffULL
#define TCPEEK_SLOT_ENTERING 0xffff00000000ULL
#define TCPEEK_SLOT_ENTERS ((1ULL << 32) + 1)
#define TCPEEK_SLOT_ENTERED ((1ULL << 48) - (1ULL << 32))

static inline __u32 tcpeek_slot_of(const struct tcpeek_key* key) {
    __u64 mixed = (key->first_high ^ key->second_low) * 0x9e3779b97f4a7c15ULL;
    mixed ^= (key->second_high ^ (key->first_low << 1)) * 0xc2b2ae3d27d4eb4fULL;
    mixed ^= (key->rest >> 32) * 0xd6e8feb86659fd93ULL;
    mixed = (mixed ^ mixed >> 32) * 0x9e3779b97f4a7c15ULL;
    return (__u32)(mixed >> 48);
}

/* What stands before a packet's octets in the ring. */
struct tcpeek_record {
    __u64 time; /* boot clock, ns */
    __u32 interface_index;
    __u32 original_length; /* octets of the packet, without a tag that the kernel keeps apart */
    __u32 captured_length; /* octets that follow */
    __u16 vlan_protocol;   /* host order; 0: no tag was kept apart */
    __u16 vlan_tag;        /* host order */
    __u8 is_raw_ip;        /* begins with the IP header, else with an Ethernet header */
    __u8 is_egress;
    __u8 is_entered; /* a SYN whose connection was entered, or counted as one without room */
    __u8 unused[5];
};

/* The sizes in which room for octets is taken from the ring, each a power of two: heads of most
 * handshakes, of those in tunnels, of odd ones, whole packets of an Ethernet, and of segmentation
 * offload. */
#define TCPEEK_OCTETS_SMALL 128
#define TCPEEK_OCTETS_MEDIUM 256
#define TCPEEK_OCTETS_LARGE 512
#define TCPEEK_OCTETS_PACKET 2048
#define TCPEEK_OCTETS_WHOLE 65536

#endif
