# SPDX-License-Identifier: Apache-2.0
# The differential test's generator (for the host) and the programs that its code runs in.

DIFF_DIR := tests/diff
DIFF_OUT := $(BUILD)/diff
DIFF_FLAGS := -std=gnu11 -O2 -Wall -Wextra -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany \
  -mno-relax -msmall-data-limit=0 -ffreestanding -fno-pic -fno-stack-protector -fno-jump-tables \
  -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -nostdlib -static \
  -Wl,-T,$(DIFF_DIR)/wrapper.ld,--build-id=none,--no-warn-rwx-segments,-z,noexecstack

$(DIFF_OUT)/%.bin: $(DIFF_DIR)/wrapper.c $(DIFF_DIR)/wrapper.S $(DIFF_DIR)/wrapper.ld $(DIFF_DIR)/body.h $(DIFF_DIR)/diff.mk
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(DIFF_FLAGS) -DWRAPPER_$* -o $(@:.bin=.elf) $(DIFF_DIR)/wrapper.c $(DIFF_DIR)/wrapper.S
	$(Q)$(CROSS_RISCV64)objcopy -O binary $(@:.bin=.elf) $@

$(DIFF_OUT)/generate: $(wildcard $(DIFF_DIR)/gen*.c $(DIFF_DIR)/*.h) guest/riscv/insn.def guest/riscv/decode.h guest/riscv/isa.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -O2 -g -Wall -Wextra -Iinclude -I. -o $@ $(filter %.c,$^)

# The JIT against the interpreter in one process: the wires into harts end in the program.
LOCKSTEP_OBJ := $(call objects,$(wildcard $(DIFF_DIR)/lockstep*.c) tests/unit/fake_env.c)

$(DIFF_OUT)/lockstep: $(LOCKSTEP_OBJ) $(LIBS)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OPT) $(LINK_FLAGS) -Wl,--wrap=hull_vcpu_set_irq -o $@ $(LOCKSTEP_OBJ) \
	  -Wl,--start-group $(LIBS) -Wl,--end-group $(HOST_LIBS) -lm

-include $(LOCKSTEP_OBJ:.o=.d)

$(DIFF_OUT)/chaos.elf: $(GUEST_DIR)/priv/chaos.c $(GUEST_RT) $(GUEST_DEPS)
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_FLAGS) -Wl,--defsym=RT_BASE=0x80000000 -DCHAOS_EXACT -o $@ $< $(GUEST_RT)

guest-tests: $(DIFF_OUT)/lockstep $(DIFF_OUT)/chaos.elf $(DIFF_OUT)/BARE.bin $(DIFF_OUT)/USER.bin $(DIFF_OUT)/PAGED.bin $(DIFF_OUT)/generate
