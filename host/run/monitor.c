// SPDX-License-Identifier: Apache-2.0
// The monitor's commands, whoever types them: the user behind Ctrl-A c, or a program on the socket.
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/run/hosted_vm.h"

#define WORDS_MAX 3

// Where a command's answer goes, and what went wrong.
struct reply {
    stats_print *print;
    void *ctx;
    char *error; // MONITOR_ERROR_SIZE
};

static void say(struct reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct reply *reply, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    reply->print(reply->ctx, text);
}

static void fault(struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(struct reply *reply, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reply->error, MONITOR_ERROR_SIZE, format, args);
    va_end(args);
}

static void command_info(struct hosted_vm *h, struct reply *reply, const char *word)
{
    const struct vm_spec *spec = h->spec;
    uint64_t s = (hull_clock_monotonic_ns() - h->start_ns) / HULL_NSEC_PER_SEC;

    (void)word;
    say(reply, "%s: %s, up %llu:%02llu:%02llu, %u CPU%s, %llu MiB, engine %s\n", spec->name,
        h->paused ? "paused" : "running", (unsigned long long)(s / 3600),
        (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60), spec->cpus,
        spec->cpus == 1 ? "" : "s", (unsigned long long)(spec->memory >> 20), h->vm.engine->name);
}

static void command_stats(struct hosted_vm *h, struct reply *reply, const char *word)
{
    (void)word;
    hull_hosted_stats(h, reply->print, reply->ctx);
}

static void command_trace(struct hosted_vm *h, struct reply *reply, const char *word)
{
    (void)word;
    if (hull_host_watch_write(&h->watch))
        say(reply, "%s is written\n", h->watch.trace_file);
    else
        fault(reply, "there is no trace: see --trace");
}

static void command_pause(struct hosted_vm *h, struct reply *reply, const char *word)
{
    hull_hosted_pause(h);
    command_info(h, reply, word);
}

static void command_resume(struct hosted_vm *h, struct reply *reply, const char *word)
{
    hull_hosted_resume(h);
    command_info(h, reply, word);
}

static void command_engine(struct hosted_vm *h, struct reply *reply, const char *word)
{
    const struct engine_ops *engine = word ? hull_hosted_engine_named(word) : h->vm.engine;
    int err;

    if (!engine) {
        fault(reply, "there is no engine \"%s\": interp, jit", word);
        return;
    }
    err = hull_hosted_set_engine(h, engine);
    if (err == -HULL_ENOTSUP)
        fault(reply, "this host has no engine \"%s\"", word);
    else if (err)
        fault(reply, "the engine stays: %s", hull_strerror(err));
    else
        say(reply, "engine %s\n", engine->name);
}

static void command_reset(struct hosted_vm *h, struct reply *reply, const char *word)
{
    (void)reply;
    (void)word;
    hull_hosted_reset(h);
}

static void command_powerdown(struct hosted_vm *h, struct reply *reply, const char *word)
{
    (void)word;
    if (hull_hosted_power_button(h))
        say(reply, "power button pressed\n");
    else
        fault(reply, "no driver of the guest listens to the power button; \"quit\" stops it");
}

static void command_quit(struct hosted_vm *h, struct reply *reply, const char *word)
{
    (void)reply;
    (void)word;
    hull_hosted_stop(h, HULL_EXIT_OK);
}

static void command_help(struct hosted_vm *h, struct reply *reply, const char *word);

static const struct command {
    const char *name, *alias;
    const char *word; // what may follow, for the help
    const char *what;
    void (*run)(struct hosted_vm *h, struct reply *reply, const char *word);
} commands[] = {
    {"info", "status", NULL, "what the machine is and does", command_info},
    {"stats", NULL, NULL, "counters", command_stats},
    {"trace", NULL, NULL, "write the file of --trace now", command_trace},
    {"pause", NULL, NULL, "stop its processors; its clock goes on", command_pause},
    {"resume", NULL, NULL, "let it go on", command_resume},
    {"engine", NULL, "[interp|jit]", "what executes it; change that, while it runs",
     command_engine},
    {"reset", NULL, NULL, "restart it at once, as its reset button", command_reset},
    {"powerdown", "power", NULL, "press its power button: the guest shuts down", command_powerdown},
    {"quit", NULL, NULL, "stop it at once and quit", command_quit},
    {"help", NULL, NULL, "this list", command_help},
};

static void command_help(struct hosted_vm *h, struct reply *reply, const char *word)
{
    (void)h;
    (void)word;
    for (size_t i = 0; i < HULL_ARRAY_SIZE(commands); i++) {
        const struct command *c = &commands[i];
        int width = 20 - (int)strlen(c->name);

        say(reply, "%s %-*s %s\n", c->name, width, c->word ? c->word : "", c->what);
    }
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < HULL_ARRAY_SIZE(commands); i++)
        if (strcmp(commands[i].name, name) == 0 ||
            (commands[i].alias && strcmp(commands[i].alias, name) == 0))
            return &commands[i];
    return NULL;
}

// What is echoed into an error must not reach a terminal as control codes.
static bool printable(const char *line)
{
    for (; *line; line++)
        if (!isprint((unsigned char)*line) && *line != '\t')
            return false;
    return true;
}

static void run_line(struct hosted_vm *h, char *line, struct reply *reply)
{
    char *save, *words[WORDS_MAX];
    const struct command *command;
    unsigned count = 0;

    if (!printable(line)) {
        fault(reply, "the line is no text");
        return;
    }
    for (char *word = strtok_r(line, " \t", &save); word && count < WORDS_MAX;
         word = strtok_r(NULL, " \t", &save))
        words[count++] = word;
    if (!count)
        return;
    command = command_find(words[0]);
    if (!command)
        fault(reply, "no command \"%s\"; \"help\" lists them", words[0]);
    else if (count > (command->word ? 2 : 1))
        fault(reply, "\"%s\" takes %s", words[0], command->word ? "one word" : "nothing more");
    else
        command->run(h, reply, count > 1 ? words[1] : NULL);
}

bool hull_hosted_command(struct hosted_vm *h, char *line, stats_print *print, void *ctx,
                         char *error)
{
    struct reply reply = {.print = print, .ctx = ctx, .error = error};

    error[0] = '\0';
    run_line(h, line, &reply);
    return !error[0];
}

static void print_to_console(void *ctx, const char *text)
{
    hull_console_printf(ctx, "%s", text);
}

void hull_hosted_console_command(void *ctx, struct console *console, char *line)
{
    char error[MONITOR_ERROR_SIZE];

    if (!hull_hosted_command(ctx, line, print_to_console, console, error))
        hull_console_printf(console, "%s\n", error);
}
