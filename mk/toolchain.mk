# SPDX-License-Identifier: Apache-2.0
# Compilers and flags of each variant. Area flags (freestanding, engine, host) are in build.mk.

CROSS_RISCV64 ?= riscv64-linux-gnu-
CLANG         ?= clang
PKG_CONFIG    ?= pkg-config
CLANG_FORMAT  ?= $(or $(shell command -v clang-format-14),clang-format)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
STD      := -std=gnu11
INCLUDES := -Iinclude -I.

ifeq ($(origin CC),default)
CC := gcc
endif
AR := ar

VARIANT_LDFLAGS :=
ifeq ($(VARIANT),release)
OPT := -O2 -g
else ifeq ($(VARIANT),debug)
OPT := -O0 -g3 -DHULL_DEBUG=1
else ifeq ($(VARIANT),clang)
CC  := $(CLANG)
OPT := -O2 -g
else ifeq ($(VARIANT),asan)
# Clang, because its musttail holds under instrumentation; GCC drops sibling calls there.
CC  := $(CLANG)
OPT := -O1 -g -DHULL_DEBUG=1 -fno-omit-frame-pointer
OPT += -fsanitize=address,undefined -fno-sanitize-recover=undefined
VARIANT_LDFLAGS := -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
CC  := $(CLANG)
OPT := -O1 -g -DHULL_DEBUG=1 -fsanitize=thread
VARIANT_LDFLAGS := -fsanitize=thread
else
$(error VARIANT=$(VARIANT) is not one of release, debug, asan, tsan, clang)
endif

ifeq ($(LTO),1)
OPT += -flto=auto
VARIANT_LDFLAGS += -flto=auto
AR := gcc-ar
endif
