# SPDX-License-Identifier: Apache-2.0
# Which file belongs to which part of the tree.

find_c = $(sort $(wildcard $(foreach dir,$(1),$(dir)/*.c)))

LIB_SRC    := $(call find_c,lib lib/*)
CORE_SRC   := $(call find_c,core core/* core/*/*)
GUEST_SRC  := $(call find_c,guest/* guest/*/*)
# The translator's back end is that for the machine that the compiler makes code for.
JIT_HOST   ?= $(notdir $(or $(wildcard engine/jit/host_$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))),host_none))
ENGINE_SRC := $(call find_c,engine engine/* engine/jit/$(JIT_HOST))
HOST_SRC   := $(filter-out host/main.c,$(call find_c,host host/* host/*/*))
HOST_MAIN  := $(wildcard host/main.c)

FREESTANDING_SRC := $(LIB_SRC) $(CORE_SRC) $(GUEST_SRC)
PUBLIC_HEADERS   := $(sort $(wildcard include/hull/*.h include/hull/*/*.h))
