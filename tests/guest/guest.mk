# SPDX-License-Identifier: Apache-2.0
# The bare-metal test programs: one for each C file in isa, priv, hypervisor, dev, smp (M mode, at the start of RAM)
# and sbi (S mode, where kernels go), all linked with the runtime in rt.

GUEST_DIR := tests/guest
GUEST_OUT := $(BUILD)/guest
GUEST_CC  := $(CROSS_RISCV64)gcc

GUEST_SRC  := $(wildcard $(foreach dir,isa priv hypervisor dev smp sbi,$(GUEST_DIR)/$(dir)/*.c))
GUEST_ELF  := $(patsubst $(GUEST_DIR)/%.c,$(GUEST_OUT)/%.elf,$(GUEST_SRC))
GUEST_RT   := $(wildcard $(GUEST_DIR)/rt/*.c $(GUEST_DIR)/rt/*.S)
GUEST_DEPS := $(wildcard $(GUEST_DIR)/rt/*.h $(GUEST_DIR)/*/*.h) $(GUEST_DIR)/rt/link.ld $(GUEST_DIR)/guest.mk

# No F in what the compiler makes: it is the tests that decide about mstatus.FS. No jump tables: their
# absolute addresses don't hold where code runs at an alias address.
GUEST_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-psabi \
  -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -mno-relax -msmall-data-limit=0 \
  -ffreestanding -fno-pic -fno-jump-tables -fno-stack-protector -fno-tree-loop-distribute-patterns \
  -fno-asynchronous-unwind-tables -nostdlib -static -I$(GUEST_DIR)/rt \
  -Wl,-T,$(GUEST_DIR)/rt/link.ld,--build-id=none,--no-warn-rwx-segments,-z,noexecstack,-z,max-page-size=4096

$(GUEST_OUT)/%.elf: GUEST_MODE := -Wl,--defsym=RT_BASE=0x80000000
$(GUEST_OUT)/sbi/%.elf: GUEST_MODE := -Wl,--defsym=RT_BASE=0x80200000 -DRT_SMODE
# Programs that end by HTIF instead of the finisher.
$(GUEST_OUT)/isa/%.elf: GUEST_HTIF := -DRT_HTIF

# A program of several files.
GUEST_HOSTILE := $(wildcard $(GUEST_DIR)/hostile/*.c)
$(GUEST_OUT)/sbi/hostile.elf $(GUEST_OUT)/sbi/hostile-aia.elf: GUEST_MORE := $(GUEST_HOSTILE)
$(GUEST_OUT)/sbi/hostile.elf $(GUEST_OUT)/sbi/hostile-aia.elf: $(GUEST_HOSTILE)

$(GUEST_OUT)/%.elf: $(GUEST_DIR)/%.c $(GUEST_RT) $(GUEST_DEPS)
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_FLAGS) $(GUEST_MODE) $(GUEST_HTIF) -o $@ $< $(GUEST_MORE) $(GUEST_RT)

guest-tests: $(GUEST_ELF)

-include tests/diff/diff.mk
