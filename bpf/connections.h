/* The table of connections that have an attempt now: who enters it, and whose packets pass. */
#ifndef TCPEEK_BPF_CONNECTIONS_H
#define TCPEEK_BPF_CONNECTIONS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "shared.h"
#include "walk_state.h"

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

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
    key->rest = TCPEEK_KEY_REST(first->port, second->port, walk->is_v6 ? 6 : 4);
    return source_is_first;
}

/* Whether this SYN's attempt will be the only one of its pair. Another one may be remembered as a
 * failure, and recover, as long as its connection is in the table. */
static __always_inline __u8 is_only_attempt(const struct tcpeek_key* key, const struct walk* walk) {
    struct tcpeek_connection* before = bpf_map_lookup_elem(&connections, key);
    return !before || before->progress == TCPEEK_COMPLETED ||
           (before->is_only && before->progress == TCPEEK_ASKED && before->isn == walk->seq);
}

/* A word that others may write at any time. */
static __always_inline __u64 read_word(const __u64* word) {
    return *(const volatile __u64*)word;
}

/* Takes out a connection whose handshake is complete. Where a SYN of the same pair enters at this
 * moment, user space does that later, or, if that came after `slot_before` was read, it is as if
 * that SYN had found no room: it may be what was taken out. */
static __always_inline void leave(const struct tcpeek_key* key, __u64* slot, __u64 slot_before) {
    if (slot_before & TCPEEK_SLOT_ENTERING || bpf_map_delete_elem(&connections, key) != 0) {
        return;
    }
    __sync_fetch_and_add(slot, -1);
    __sync_fetch_and_add(&control.completed, 1);
    if ((read_word(slot) ^ slot_before) & ~TCPEEK_SLOT_COUNT) {
        __sync_fetch_and_add(&control.failed_inserts, 1);
    }
}

/* A segment has been handed over: whether the plainest handshake has come further. */
static __noinline void advance(const struct walk* walk) {
    struct tcpeek_key key = {};
    int source_is_first = make_key(walk, &key);
    __u64* slot = &slots[tcpeek_slot_of(&key)];
    __u64 slot_before = read_word(slot);
    struct tcpeek_connection* connection = bpf_map_lookup_elem(&connections, &key);
    __u8 from_client;
    if (!may_advance || !connection || !connection->is_only) {
        return;
    }
    from_client = source_is_first == connection->syn_is_from_first;
    if (walk->flags & FLAG_SYN) {
        if ((walk->flags & (FLAG_ACK | FLAG_FIN)) == FLAG_ACK && !from_client &&
            connection->progress == TCPEEK_ASKED && walk->ack == connection->isn + 1) {
            connection->server_isn = walk->seq;
            connection->progress = TCPEEK_ANSWERED;
        }
    } else if (from_client && connection->progress == TCPEEK_ANSWERED &&
               walk->seq == connection->isn + 1 && walk->ack == connection->server_isn + 1) {
        connection->progress = TCPEEK_COMPLETED;
        if (may_leave) {
            leave(&key, slot, slot_before);
        }
    }
}

/* From here on every packet of the pair passes; where there is no room, every packet. */
static __noinline void enter(const struct walk* walk) {
    struct tcpeek_key key = {};
    struct tcpeek_connection connection;
    __u64* slot;
    /* Zeros, but no known numbers: parts of these words are written (struct walk). */
    _Static_assert(sizeof connection <= sizeof control.padding, "there are zeros enough");
    __builtin_memcpy(&connection, control.padding, sizeof connection);
    connection.syn_is_from_first = (__u8)make_key(walk, &key);
    connection.stamp = bpf_ktime_get_boot_ns();
    connection.isn = walk->seq;
    connection.is_only = walk->is_sound && is_only_attempt(&key, walk);
    slot = &slots[tcpeek_slot_of(&key)];
    __sync_fetch_and_add(slot, TCPEEK_SLOT_ENTERS);
    if (bpf_map_update_elem(&connections, &key, &connection, BPF_NOEXIST) == 0) {
        __sync_fetch_and_add(slot, TCPEEK_SLOT_ENTERED);
        return;
    }
    if (bpf_map_update_elem(&connections, &key, &connection, BPF_EXIST) == 0) {
        __sync_fetch_and_add(slot, TCPEEK_SLOT_ENTERED - 1);
        return;
    }
    /* Taken out between the two, or there was no room. */
    if (bpf_map_update_elem(&connections, &key, &connection, BPF_NOEXIST) == 0) {
        __sync_fetch_and_add(slot, TCPEEK_SLOT_ENTERED);
        return;
    }
    __sync_fetch_and_add(slot, TCPEEK_SLOT_ENTERED - 1);
    __sync_fetch_and_add(&control.failed_inserts, 1);
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

static __always_inline int has_attempt(const struct walk* walk) {
    struct tcpeek_key key = {};
    int source_is_first = make_key(walk, &key);
    __u64 sequence = read_word(&control.sequence);
    struct tcpeek_connection* connection = 0;
    if (read_word(&slots[tcpeek_slot_of(&key)]) & TCPEEK_SLOT_COUNT) {
        connection = bpf_map_lookup_elem(&connections, &key);
    }
    if (connection) {
        if (connection->progress == TCPEEK_COMPLETED) {
            return 0;
        }
        return passes_one_way(connection, source_is_first);
    }
    return sequence & 1 || sequence != read_word(&control.sequence) ||
           read_word(&control.failed_inserts) != read_word(&control.resolved) ||
           read_word(&control.unknown_at);
}

#endif
