// SPDX-License-Identifier: Apache-2.0
// The checks of files.h. They are a courtesy: opening them may still fail later, and is checked then.
#include "host/config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/config/config.h"

static void fault_file(struct vm_config *config, const char *field, const char *file,
                       const char *problem)
{
    struct config_reason why;
    hull_refuse(&why, "%s: %s", file, problem);
    hull_config_fault_field(config, field, why.text);
}

static void check_readable(struct vm_config *config, const char *field, const char *file)
{
    struct stat status;
    if (!file)
        return;
    if (stat(file, &status))
        fault_file(config, field, file, strerror(errno));
    else if (S_ISDIR(status.st_mode))
        fault_file(config, field, file, "is a folder, not a file");
    else if (faccessat(AT_FDCWD, file, R_OK, AT_EACCESS))
        fault_file(config, field, file, "may not be read by this user");
}

static void check_disk(struct vm_config *config, unsigned index)
{
    const struct disk_spec *disk = &config->spec.disks[index];
    struct stat status;
    char field[32];
    snprintf(field, sizeof(field), "disks[%u].file", index);
    if (!disk->file)
        return;
    if (stat(disk->file, &status))
        fault_file(config, field, disk->file, strerror(errno));
    else if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        fault_file(config, field, disk->file, "is neither a file nor a block device");
    else if (faccessat(AT_FDCWD, disk->file, R_OK, AT_EACCESS))
        fault_file(config, field, disk->file, "may not be read by this user");
    else if (!disk->read_only && faccessat(AT_FDCWD, disk->file, W_OK, AT_EACCESS))
        fault_file(config, field, disk->file,
                   "is not writable; make it so, or use it read-only (\"readonly\": true, or ,ro)");
}

// The console's file need not be there, but the folder that it goes into has to.
static void check_console(struct vm_config *config)
{
    const struct vm_spec *spec = &config->spec;
    const char *path = spec->console_path;
    struct stat status;
    char folder[4096];
    if (!path || !hull_console_has_path(spec->console))
        return;
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) + 1 : 0;
    snprintf(folder, sizeof(folder), "%.*s", length, path);
    struct sockaddr_un address;
    if (spec->console == CONSOLE_UNIX && strlen(path) >= sizeof(address.sun_path))
        fault_file(config, "console_path", path, "is too long for a socket (107 bytes at most)");
    else if (stat(length ? folder : ".", &status))
        fault_file(config, "console_path", path, "the folder that it would be in is not there");
    else if (!stat(path, &status) && S_ISDIR(status.st_mode))
        fault_file(config, "console_path", path, "is a folder, not a file");
    else if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) && errno == EACCES)
        fault_file(config, "console_path", path, "may not be written by this user");
}

void hull_config_check_readable(struct vm_config *config)
{
    const struct vm_spec *spec = &config->spec;
    char field[32];
    check_readable(config, "boot.kernel", spec->boot.kernel);
    check_readable(config, "boot.initrd", spec->boot.initrd);
    for (unsigned i = 0; i < spec->disk_count; i++) {
        snprintf(field, sizeof(field), "disks[%u].file", i);
        check_readable(config, field, spec->disks[i].file);
    }
}

void hull_config_check_files(struct vm_config *config)
{
    const struct boot_spec *boot = &config->spec.boot;
    check_readable(config, "boot.kernel", boot->kernel);
    check_readable(config, "boot.initrd", boot->initrd);
    check_readable(config, "boot.firmware", boot->firmware);
    for (unsigned i = 0; i < config->spec.disk_count; i++)
        check_disk(config, i);
    check_console(config);
}
