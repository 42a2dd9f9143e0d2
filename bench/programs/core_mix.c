// SPDX-License-Identifier: Apache-2.0
// What embedded code does all day, in the proportions that CoreMark made the usual yardstick: sorting
// and searching a linked list, small integer matrices, a state machine over text, and a CRC over it all.
#include "bench.h"

#include <string.h>

enum { NODES = 96, SIDE = 10, TEXT = 512 };

struct node {
    struct node *next;
    int16_t key;
    uint16_t tag;
};

static uint16_t crc16(uint16_t crc, uint16_t value)
{
    for (int bit = 0; bit < 16; bit++) {
        bool odd = ((crc ^ value) & 1) != 0;
        crc >>= 1;
        value >>= 1;
        if (odd) {
            crc ^= 0xa001;
        }
    }
    return crc;
}

static struct node *merge(struct node *a, struct node *b, bool by_tag)
{
    struct node head;
    struct node *last = &head;
    while (a && b) {
        bool first = by_tag ? a->tag <= b->tag : a->key <= b->key;
        struct node **from = first ? &a : &b;
        last->next = *from;
        last = *from;
        *from = last->next;
    }
    last->next = a ? a : b;
    return head.next;
}

static struct node *sort_list(struct node *list, bool by_tag)
{
    if (!list || !list->next) {
        return list;
    }
    struct node *slow = list;
    for (struct node *fast = list->next; fast && fast->next; fast = fast->next->next) {
        slow = slow->next;
    }
    struct node *half = slow->next;
    slow->next = NULL;
    return merge(sort_list(list, by_tag), sort_list(half, by_tag), by_tag);
}

static struct node *reverse_list(struct node *list)
{
    struct node *done = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static uint16_t list_work(struct node *nodes, uint16_t seed)
{
    struct node *list = NULL;
    uint16_t crc = seed;
    for (uint16_t i = 0; i < NODES; i++) {
        nodes[i] = (struct node){list, (int16_t)(seed * 13 + i * 7919), i};
        list = &nodes[i];
    }
    for (int16_t wanted = 0; wanted < 24; wanted++) {
        struct node *n = list;
        while (n && (n->key & 0xff) != wanted * 9) {
            n = n->next;
        }
        crc = crc16(crc, n ? n->tag : 0xffff);
        list = reverse_list(list);
    }
    list = sort_list(list, false);
    for (struct node *n = list; n; n = n->next) {
        crc = crc16(crc, (uint16_t)n->key);
    }
    return crc16(crc, sort_list(list, true)->tag);
}

static uint16_t matrix_work(uint16_t seed)
{
    static int16_t a[SIDE][SIDE], b[SIDE][SIDE];
    uint16_t crc = seed;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (int16_t)(seed + i * j);
            b[i][j] = (int16_t)(seed * (i + 1) - j);
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t sum = 0, bits = 0;
            for (int k = 0; k < SIDE; k++) {
                int32_t product = a[i][k] * b[k][j];
                sum += product;
                bits += (product >> 2 & 0xf) * (product >> 5 & 0x7f);
            }
            crc = crc16(crc, (uint16_t)(sum ^ bits >> 3));
        }
    }
    return crc;
}

enum state { START, SIGN, DIGITS, POINT, EXPONENT, BAD, STATES };

static enum state step(enum state state, char c)
{
    bool digit = c >= '0' && c <= '9';
    switch (state) {
    case START: return digit ? DIGITS : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : BAD;
    case SIGN: return digit ? DIGITS : c == '.' ? POINT : BAD;
    case DIGITS: return digit ? DIGITS : c == '.' ? POINT : c == 'e' ? EXPONENT : BAD;
    case POINT: return digit ? POINT : c == 'e' ? EXPONENT : BAD;
    case EXPONENT: return digit || c == '-' ? EXPONENT : BAD;
    default: return BAD;
    }
}

static uint16_t text_work(char *text, uint16_t seed)
{
    static const char *const words[] = {"5012", "1.25e-4",  "-874",     "+.7",
                                        "0x1f", "T0.3e-1F", "35.54400", "-e7"};
    size_t length = 0;
    uint16_t counts[STATES] = {0};
    for (uint16_t i = seed; length + 12 < TEXT; i++) {
        const char *word = words[(i ^ i >> 3) & 7];
        size_t n = strlen(word);
        memcpy(text + length, word, n);
        text[length + n] = ',';
        length += n + 1;
    }
    enum state state = START;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ',') {
            counts[state]++;
            state = START;
        } else {
            state = step(state, text[i]);
        }
    }
    uint16_t crc = seed;
    for (int i = 0; i < STATES; i++) {
        crc = crc16(crc, counts[i]);
    }
    return crc;
}

int bench_core_mix(struct bench *b)
{
    static struct node nodes[NODES];
    static char text[TEXT];
    uint64_t rounds = bench_count(b, 3500);
    uint16_t crc = 1;
    uint64_t sum = 0;
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        crc = list_work(nodes, crc);
        crc = matrix_work(crc);
        crc = text_work(text, crc);
        sum = bench_mix(sum, crc);
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}
