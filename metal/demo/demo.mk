# SPDX-License-Identifier: Apache-2.0
# The demo's own guest: build/demo/tick.elf, an S-mode program with the few parts of lib that it uses.

DEMO_OUT   := $(BUILD)/demo
DEMO_LIB   := lib/format.c lib/str.c $(wildcard lib/fdt/*.c)
DEMO_OBJ   := $(patsubst %.c,$(DEMO_OUT)/%.o,metal/demo/tick.c metal/riscv64/mem.c $(DEMO_LIB))
DEMO_FLAGS  = $(STD) $(WARNINGS) -O2 -g -ffreestanding -nostdinc -isystem $(RV_INCLUDE) \
              -D_LIBC_LIMITS_H_ -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -fno-pic \
              -fno-pie -fno-stack-protector -fno-tree-loop-distribute-patterns \
              -ffunction-sections -fdata-sections $(INCLUDES) $(WERROR_FLAG)

.PHONY: demo
demo: $(DEMO_OUT)/tick.elf

$(DEMO_OUT)/%.o: %.c metal/demo/demo.mk
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RV_CC) $(DEMO_FLAGS) -MMD -MP -c -o $@ $<

# The start of the program has to be the start of the image; 2 MiB into RAM, where kernels go.
$(DEMO_OUT)/tick.elf: $(DEMO_OBJ) metal/demo/tick.ld
	$(call say,LINK,$@)
	$(Q)$(RV_CC) -nostdlib -static -no-pie -march=rv64imac_zicsr_zifencei -mabi=lp64 \
	  -Wl,--gc-sections,--build-id=none,--no-warn-rwx-segments,-z,noexecstack,-z,max-page-size=4096 \
	  -Wl,-T,metal/demo/tick.ld -o $@ $(DEMO_OBJ)

-include $(wildcard $(DEMO_OBJ:.o=.d))
