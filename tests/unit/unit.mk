# SPDX-License-Identifier: Apache-2.0
# Linker flags of single unit tests.

# System calls that the test makes fail.
LDFLAGS_test_host_blk := $(foreach f,preadv pwritev fdatasync fallocate,-Wl,--wrap=$(f))

# Allocations that the test makes fail.
LDFLAGS_test_config_memory := -Wl,--wrap=malloc -Wl,--wrap=calloc
