// SPDX-License-Identifier: Apache-2.0
// The intrusive list: order, removal while walking, splicing.
#include "lib/list.h"
#include "tests/unit/unit.h"

struct item {
    int padding;
    struct list_link link;
    char name;
};

// The names in the list's order, walked both ways.
static void expect_names(struct list_link *head, const char *names)
{
    struct list_link *link;
    size_t count = 0;
    HULL_LIST_FOR_EACH(link, head)
    {
        assert_int_equal(hull_list_entry(link, struct item, link)->name, names[count]);
        assert_ptr_equal(link->next->prev, link);
        count++;
    }
    assert_int_equal(count, strlen(names));
    for (link = head->prev; link != head; link = link->prev)
        assert_int_equal(hull_list_entry(link, struct item, link)->name, names[--count]);
    assert_int_equal(hull_list_empty(head), !*names);
}

static void fill(struct list_link *head, struct item *items, const char *names)
{
    hull_list_init(head);
    for (size_t i = 0; names[i]; i++) {
        items[i].name = names[i];
        hull_list_push_back(head, &items[i].link);
    }
}

static void pushes_keep_order(void **state)
{
    (void)state;
    struct list_link head;
    struct item items[3], front = {.name = 'f'}, middle = {.name = 'm'};
    fill(&head, items, "abc");
    expect_names(&head, "abc");
    hull_list_push_front(&head, &front.link);
    hull_list_insert_before(&items[1].link, &middle.link);
    expect_names(&head, "fambc");
    assert_ptr_equal(hull_list_pop_front(&head), &front.link);
    expect_names(&head, "ambc");
}

static void removal_may_be_repeated(void **state)
{
    (void)state;
    struct list_link head;
    struct item items[3];
    fill(&head, items, "abc");
    hull_list_remove(&items[1].link);
    hull_list_remove(&items[1].link);
    expect_names(&head, "ac");
    hull_list_remove(&items[0].link);
    hull_list_remove(&items[2].link);
    expect_names(&head, "");
    assert_null(hull_list_pop_front(&head));
}

static void safe_walk_survives_removal(void **state)
{
    (void)state;
    struct list_link head, *link, *after;
    struct item items[5];
    fill(&head, items, "abcde");
    HULL_LIST_FOR_EACH_SAFE(link, after, &head)
    {
        if (hull_list_entry(link, struct item, link)->name % 2)
            hull_list_remove(link);
    }
    expect_names(&head, "bd");
}

static void splice_moves_all(void **state)
{
    (void)state;
    struct list_link a, b;
    struct item a_items[2], b_items[3];
    fill(&a, a_items, "ab");
    fill(&b, b_items, "xyz");
    hull_list_splice_back(&a, &b);
    expect_names(&a, "abxyz");
    expect_names(&b, "");
    hull_list_splice_back(&a, &b);
    expect_names(&a, "abxyz");
    hull_list_splice_back(&b, &a);
    expect_names(&b, "abxyz");
    expect_names(&a, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_keep_order),
        cmocka_unit_test(removal_may_be_repeated),
        cmocka_unit_test(safe_walk_survives_removal),
        cmocka_unit_test(splice_moves_all),
    };
    return cmocka_run_group_tests_name("lib_list", tests, NULL, NULL);
}
