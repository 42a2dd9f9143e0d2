# SPDX-License-Identifier: Apache-2.0
# lib, core and guest compiled for riscv64 with no libc in reach (not even its headers), linked into
# one relocatable object, and that object's symbols checked: this is what the metal image will use.

RV         := $(BUILD)/riscv64
RV_CC      := $(CROSS_RISCV64)gcc
RV_OBJ     := $(patsubst %.c,$(RV)/%.o,$(FREESTANDING_SRC))
RV_INCLUDE  = $(shell $(RV_CC) -print-file-name=include)
# _LIBC_LIMITS_H_ keeps GCC's <limits.h> from asking for the libc's.
RV_FLAGS    = $(STD) $(WARNINGS) -O2 -g -ffreestanding -nostdinc -isystem $(RV_INCLUDE) \
              -D_LIBC_LIMITS_H_ -march=rv64gc -mabi=lp64d -mcmodel=medany -fno-pic -fno-pie \
              -fno-stack-protector $(INCLUDES) $(WERROR_FLAG)

.PHONY: freestanding
freestanding: $(RV)/hull-freestanding.o
	@tools/check-freestanding $(CROSS_RISCV64) $<

$(RV)/%.o: %.c mk/freestanding.mk
	$(call say,RVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(RV_CC) $(RV_FLAGS) -MMD -MP -c -o $@ $<

$(call remember,$(RV)/objects,$(RV_OBJ))

$(RV)/hull-freestanding.o: $(RV_OBJ) $(RV)/objects
	$(call say,LD,$@)
	$(Q)$(CROSS_RISCV64)ld -r -o $@ $(RV_OBJ)

-include $(wildcard $(RV_OBJ:.o=.d))
