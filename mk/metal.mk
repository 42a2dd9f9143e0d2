# SPDX-License-Identifier: Apache-2.0
# hull-metal: the type-1 image. lib, core and guest are the same sources as in the hosted program, compiled
# without floating-point registers (guests own them), linked with metal/. The link runs twice: the second time
# with a table of the symbols that the first one gave, for backtraces.

METAL_DIR   := $(BUILD)/metal
METAL       := $(METAL_DIR)/hull-metal
METAL_SRC   := $(call find_c,metal/common metal/riscv64 metal/board)
METAL_ASM   := $(sort $(wildcard metal/riscv64/*.S))
METAL_GEN   := $(METAL_DIR)/gen/metal/riscv64/offsets.h
METAL_OBJ   := $(patsubst %.c,$(METAL_DIR)/%.o,$(filter-out metal/riscv64/offsets.c,$(METAL_SRC)) $(FREESTANDING_SRC)) \
               $(patsubst %.S,$(METAL_DIR)/%.S.o,$(METAL_ASM))
METAL_OPT   ?= -O2
METAL_FLAGS  = $(STD) $(WARNINGS) $(METAL_OPT) -g -ffreestanding -nostdinc -isystem $(RV_INCLUDE) \
               -D_LIBC_LIMITS_H_ -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -fno-pic -fno-pie \
               -fno-stack-protector -ffunction-sections -fdata-sections \
               -DHULL_VERSION='"$(VERSION)"' -I$(METAL_DIR)/gen $(INCLUDES) $(WERROR_FLAG)
METAL_LINK   = $(RV_CC) -nostdlib -static -no-pie -march=rv64imac_zicsr_zifencei -mabi=lp64 \
               -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-z,noexecstack \
               -Wl,-T,metal/riscv64/image.ld

# What a guest meets while it starts, or never: descriptions, boot, device trees, the shell.
METAL_COLD := $(patsubst %,$(METAL_DIR)/%.o,core/bundle% core/spec% core/dev/rtc guest/riscv/board guest/riscv/board_fdt% \
              guest/riscv/board_interrupts guest/riscv/boot_% guest/riscv/isa guest/riscv/csr% guest/riscv/aia \
              guest/riscv/hart guest/riscv/mmu guest/riscv/counters guest/riscv/sbi/pmu guest/riscv/sbi/hsm \
              guest/riscv/sbi/legacy guest/riscv/sbi/srst_susp lib/fdt/write lib/fdt/find lib/format lib/error \
              metal/board/platform metal/board/irqchip_fdt metal/common/main metal/common/shell metal/common/vm \
              metal/common/hypercall metal/common/passthrough metal/common/watchdog metal/common/shared \
              metal/riscv64/panic)
$(filter $(METAL_COLD),$(METAL_OBJ)): METAL_OPT = -Os

.PHONY: metal
metal: $(METAL) $(METAL).bin

$(METAL_DIR)/%.o: %.c mk/metal.mk VERSION
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RV_CC) $(METAL_FLAGS) -MMD -MP -c -o $@ $<

$(METAL_DIR)/%.S.o: %.S $(METAL_GEN) mk/metal.mk
	$(call say,RVAS,$<)
	@mkdir -p $(@D)
	$(Q)$(RV_CC) $(METAL_FLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

# "->NAME VALUE" lines in the compiler's output become #defines.
$(METAL_GEN): metal/riscv64/offsets.c mk/metal.mk
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(RV_CC) $(METAL_FLAGS) -MMD -MP -MF $(METAL_DIR)/offsets.d -MT $@ -S -o $(METAL_DIR)/offsets.s $<
	$(Q)sed -n 's/^->\([A-Z0-9_]*\) \([0-9-]*\)$$/#define \1 \2/p' $(METAL_DIR)/offsets.s >$@

$(call remember,$(METAL_DIR)/objects,$(METAL_OBJ))

$(METAL_DIR)/pass1.elf: $(METAL_OBJ) $(METAL_DIR)/objects metal/riscv64/image.ld
	$(Q)$(METAL_LINK) -o $@ $(METAL_OBJ)

$(METAL_DIR)/symbols.S: $(METAL_DIR)/pass1.elf tools/metal-symbols
	$(Q)tools/metal-symbols $(CROSS_RISCV64)nm $< >$@

$(METAL_DIR)/symbols.o: $(METAL_DIR)/symbols.S
	$(Q)$(RV_CC) $(METAL_FLAGS) -c -o $@ $<

$(METAL): $(METAL_DIR)/symbols.o $(METAL_DIR)/pass1.elf
	$(call say,LINK,$@)
	$(Q)$(METAL_LINK) -o $@ $(METAL_OBJ) $(METAL_DIR)/symbols.o

$(METAL).bin: $(METAL)
	$(Q)$(CROSS_RISCV64)objcopy -O binary $< $@

-include $(wildcard $(METAL_OBJ:.o=.d) $(METAL_DIR)/offsets.d)

# Small guests: for the benchmarks, and the tests.
METAL_GUESTS := $(patsubst %.c,$(BUILD)/%.elf,$(sort $(wildcard bench/metal/*.c tests/metal/*.c)))
.PHONY: metal-guests
metal-guests: $(METAL_GUESTS)

$(METAL_GUESTS): $(BUILD)/%.elf: %.c bench/metal/guest.h bench/metal/aia.h tests/metal/aia.c tests/metal/virtio.h tests/metal/clock.h bench/metal/start.S bench/metal/guest.ld $(METAL_DIR)/metal/riscv64/mem.o mk/metal.mk
	$(call say,RVLD,$@)
	@mkdir -p $(@D)
	$(Q)$(RV_CC) $(STD) $(WARNINGS) -O2 -ffreestanding -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany \
	  -fno-pic -no-pie -static -nostdlib $(INCLUDES) -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
	  -Wl,-T,bench/metal/guest.ld -o $@ bench/metal/start.S $< $(METAL_DIR)/metal/riscv64/mem.o
