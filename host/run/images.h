// SPDX-License-Identifier: Apache-2.0
// The guest's images (kernel, initrd, firmware) in our memory, decompressed. Their memory is given
// back once the guest has its copy, and filled again from the files when the machine is reset.
#ifndef HOST_RUN_IMAGES_H
#define HOST_RUN_IMAGES_H

#include <hull/spec.h>

#include "guest/riscv/board.h"

enum image_kind { IMAGE_NONE, IMAGE_PLAIN, IMAGE_GZIP };

struct image {
    const char *what, *file;
    enum image_kind kind;
    int fd;
    uint64_t payload, payload_size; // of the file: what is copied or decompressed
    uint8_t *data;                  // `room` bytes mapped
    uint64_t size, room;
    const char *reason; // after an error
};

struct images {
    struct image kernel, initrd, firmware;
};

// Opens and reads one; file == NULL: none. May be decompressed if `may_be_packed`. Errors as below,
// with image->reason; hull_image_close() in every case.
HULL_MUST_CHECK int hull_image_open(struct image *image, const char *what, const char *file,
                                    uint64_t limit, bool may_be_packed);
void hull_image_close(struct image *image);

// Opens and reads them all; none may be larger than `limit`. Says on stderr what went wrong.
// 0, -HULL_ENOENT, -HULL_EIO, -HULL_EFORMAT, -HULL_ENOSPC, -HULL_ENOMEM.
HULL_MUST_CHECK int hull_images_open(struct images *images, const struct boot_spec *boot,
                                     uint64_t limit);
void hull_images_close(struct images *images);
void hull_images_describe(const struct images *images, struct board_images *board);

// Gives the memory back (the addresses stay), and fills it again: 0 or an error as above.
void hull_images_drop(struct images *images);
HULL_MUST_CHECK int hull_images_refill(struct images *images);

#endif
