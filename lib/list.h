// SPDX-License-Identifier: Apache-2.0
// A doubly linked list whose links live inside of what it holds, with a head that is a link itself:
// no allocation, removal in constant time. The caller's lock protects it.
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <hull/types.h>
#include <stdbool.h>
#include <stddef.h>

struct list_link {
    struct list_link *prev, *next;
};

// Both a head and a link that is in no list point to themselves.
static inline void hull_list_init(struct list_link *link)
{
    link->prev = link->next = link;
}

static inline bool hull_list_empty(const struct list_link *head)
{
    return head->next == head;
}

static inline void hull_list_insert_between(struct list_link *link, struct list_link *prev,
                                            struct list_link *next)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

static inline void hull_list_push_front(struct list_link *head, struct list_link *link)
{
    hull_list_insert_between(link, head, head->next);
}

static inline void hull_list_push_back(struct list_link *head, struct list_link *link)
{
    hull_list_insert_between(link, head->prev, head);
}

static inline void hull_list_insert_before(struct list_link *at, struct list_link *link)
{
    hull_list_insert_between(link, at->prev, at);
}

// Takes the link out of its list; harmless for one that is in none.
static inline void hull_list_remove(struct list_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    hull_list_init(link);
}

// The first link, taken out; NULL from an empty list.
static inline struct list_link *hull_list_pop_front(struct list_link *head)
{
    struct list_link *link = head->next;
    if (link == head)
        return NULL;
    hull_list_remove(link);
    return link;
}

// Moves all of `from` to the end of `to`.
static inline void hull_list_splice_back(struct list_link *to, struct list_link *from)
{
    if (hull_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    hull_list_init(from);
}

#define hull_list_entry(link, type, member) hull_container_of(link, type, member)

// `link` is a struct list_link pointer. The body of the second may remove `link`, whose successor
// has been read into `after`.
#define HULL_LIST_FOR_EACH(link, head) for (link = (head)->next; link != (head); link = link->next)
#define HULL_LIST_FOR_EACH_SAFE(link, after, head) \
    for (link = (head)->next, after = link->next; link != (head); link = after, after = link->next)

#endif
