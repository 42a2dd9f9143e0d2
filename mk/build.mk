# SPDX-License-Identifier: Apache-2.0
# Objects, the three archives and the hull program.
# libhullcore.a: lib, core, guest (freestanding); libhullengine.a: engine; libhullhost.a: host without main.c.

# BUILD=somewhere-else keeps two makes that run at the same time apart.
BUILD ?= build
B     := $(BUILD)/$(VARIANT)
HULL  := $(B)/hull
V     ?= 0
Q     := $(if $(filter 1,$(V)),,@)
# V=1 shows the commands, -s nothing at all.
quiet := $(if $(filter 1,$(V))$(findstring s,$(firstword -$(MAKEFLAGS))),1)
say    = $(if $(quiet),,@printf '  %-5s %s\n' '$(1)' '$(2)')

objects = $(patsubst %.c,$(B)/%.o,$(1))
CORE_OBJ   := $(call objects,$(FREESTANDING_SRC))
ENGINE_OBJ := $(call objects,$(ENGINE_SRC))
HOST_OBJ   := $(call objects,$(HOST_SRC))
MAIN_OBJ   := $(call objects,$(HOST_MAIN))
ALL_OBJ    := $(CORE_OBJ) $(ENGINE_OBJ) $(HOST_OBJ) $(MAIN_OBJ)
LIBS       := $(B)/libhullhost.a $(B)/libhullengine.a $(B)/libhullcore.a

# Debian's slirp.pc requires glib's development files although its header needs none of them:
# where pkg-config balks we name what it would have said.
SLIRP_CFLAGS := $(or $(shell $(PKG_CONFIG) --cflags slirp 2>/dev/null),-I/usr/include/slirp)
SLIRP_LIBS   := $(or $(shell $(PKG_CONFIG) --libs slirp 2>/dev/null),-lslirp)
HOST_LIBS    := $(SLIRP_LIBS) $(or $(shell $(PKG_CONFIG) --libs jansson zlib 2>/dev/null),-ljansson -lz)
# Other compilers call a library for what x86-64 does in one instruction (amocas.q).
HOST_LIBS    += $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine)),,-latomic)

CFLAGS   ?=
BASE_FLAGS := $(STD) $(WARNINGS) $(INCLUDES) $(OPT) $(CFLAGS)
LINK_FLAGS := -Wl,--as-needed $(VARIANT_LDFLAGS) -pthread $(LDFLAGS)
HOSTED     := -D_GNU_SOURCE -pthread

FREESTANDING_FLAGS := -ffreestanding -fno-stack-protector
# The interpreter's handlers end in calls of the next one: they have to become jumps.
INTERP_FLAGS := -foptimize-sibling-calls -fno-plt -fomit-frame-pointer
HOST_FLAGS   := $(SLIRP_CFLAGS) -DHULL_VERSION='"$(VERSION)"'

$(B)/lib/%.o $(B)/core/%.o $(B)/guest/%.o: AREA_FLAGS := $(FREESTANDING_FLAGS)
$(B)/engine/%.o: AREA_FLAGS := $(HOSTED)
$(B)/engine/interp/%.o: AREA_FLAGS := $(HOSTED) $(if $(filter release clang,$(VARIANT)),-O3) $(INTERP_FLAGS)
$(B)/host/%.o: AREA_FLAGS := $(HOSTED) $(HOST_FLAGS)
$(B)/tests/%.o: AREA_FLAGS := $(HOSTED) $(HOST_FLAGS) $(TEST_FLAGS)
$(B)/host/%.o: VERSION

# Files that change only when what they hold does, written while make reads this: when the flags
# change, everything is compiled again; when a source file comes or goes, archives are made anew.
remember = $(if $(filter clean,$(MAKECMDGOALS)),,$(shell mkdir -p $(dir $(1)); \
             printf '%s\n' '$(2)' | cmp -s - $(1) || printf '%s\n' '$(2)' >$(1)))
FLAGS_FILE   := $(B)/flags
OBJECTS_FILE := $(B)/objects
$(call remember,$(FLAGS_FILE),$(CC) $(BASE_FLAGS) $(FREESTANDING_FLAGS) $(INTERP_FLAGS) $(HOSTED) $(SLIRP_CFLAGS))
$(call remember,$(OBJECTS_FILE),$(ALL_OBJ))

# What the compiler said is kept beside the object, so that WERROR=1 finds a warning of an earlier
# build again: those objects count as out of date.
ifeq ($(WERROR),1)
WERROR_FLAG := -Werror
WARNED := $(patsubst %.warn,%.o,$(shell find $(B) -name '*.warn' -size +0 2>/dev/null))
$(WARNED): FORCE
endif

$(B)/%.o: %.c $(FLAGS_FILE)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_FLAGS) $(AREA_FLAGS) $(WERROR_FLAG) -MMD -MP -c -o $@ $< 2>$(@:.o=.warn); \
	  rc=$$?; cat $(@:.o=.warn) >&2; exit $$rc

# q, not r: two files of one name in different folders must both get in.
archive = $(Q)rm -f $@; $(AR) qcs $@ $(filter %.o,$^)
$(B)/libhullcore.a: $(CORE_OBJ)
	$(call say,AR,$@)
	$(archive)
$(B)/libhullengine.a: $(ENGINE_OBJ)
	$(call say,AR,$@)
	$(archive)
$(B)/libhullhost.a: $(HOST_OBJ)
	$(call say,AR,$@)
	$(archive)

$(LIBS): $(OBJECTS_FILE)

$(HULL): $(MAIN_OBJ) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LINK_FLAGS) -o $@ $(MAIN_OBJ) -Wl,--start-group $(LIBS) -Wl,--end-group $(HOST_LIBS) -lm

-include $(wildcard $(ALL_OBJ:.o=.d))
