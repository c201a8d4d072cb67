/* The maps and words of memory that the programs share with each other and with user space. */
#ifndef TCPEEK_BPF_MAPS_H
#define TCPEEK_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "shared.h"

/* Set before the programs are loaded. */
const volatile __u8 look_at_icmp = 0;
const volatile __u8 skip_outgoing_on_loopback =
    0; /* packet sockets see each of its packets twice */
/* Not where user space leaves out packets whose checksum is wrong, which is not looked at here. */
const volatile __u8 may_advance = 0;
/* Where user space hears from the record of a SYN that its connection was entered. */
const volatile __u8 may_leave = 0;
const volatile __u32 snapshot_length = TCPEEK_OCTETS_LARGE;
const volatile __u64 wakeup_octets = 1; /* so many in the ring wake user space, asleep or not */

struct tcpeek_control control = {};
__u64 slots[TCPEEK_SLOTS] = {};

/* The connections that have an attempt now. Memory is taken as it fills. User space sets the
 * number of entries. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1);
    __type(key, struct tcpeek_key);
    __type(value, struct tcpeek_connection);
} connections SEC(".maps");

/* Packets on their way to user space. User space sets its size. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

/* Packets that found no room in the ring, by the index of their interface. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} lost_by_interface SEC(".maps");

#endif
