# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/fuzz_*.c: each a libFuzzer program, build/fuzz/fuzz_NAME. The sources under test are
# compiled again with the fuzzer's coverage and both sanitizers, so this needs clang. Other .c files
# here are helpers for all of them.

FZ         := build/fuzz
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(FUZZ_SRC))
FUZZ_BIN   := $(addprefix $(FZ)/,$(FUZZ_NAMES))
FUZZ_SHARED := $(FREESTANDING_SRC) $(ENGINE_SRC) $(HOST_SRC) tests/unit/fake_env.c tests/unit/fake_vm.c tests/unit/bundle_maker.c \
               $(filter-out $(FUZZ_SRC),$(wildcard tests/fuzz/*.c))
FUZZ_SAN   := -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_FLAGS := $(STD) $(WARNINGS) $(INCLUDES) $(HOSTED) $(HOST_FLAGS) -O1 -g -DHULL_DEBUG=1 \
              -fno-omit-frame-pointer -fsanitize=fuzzer-no-link $(FUZZ_SAN)
fuzz_objects = $(patsubst %.c,$(FZ)/%.o,$(1))

.PHONY: fuzz fuzz-list
fuzz: $(FUZZ_BIN)

fuzz-list:
	@printf '%s\n' $(FUZZ_BIN)

$(FZ)/%.o: %.c tests/fuzz/fuzz.mk mk/toolchain.mk
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(WERROR_FLAG) -MMD -MP -c -o $@ $<

$(FZ)/libhullfuzz.a: $(call fuzz_objects,$(FUZZ_SHARED))
	$(call say,AR,$@)
	$(archive)

$(FUZZ_BIN): $(FZ)/%: $(FZ)/tests/fuzz/%.o $(FZ)/libhullfuzz.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer $(FUZZ_SAN) -pthread -o $@ $^ $(HOST_LIBS) -lcmocka -lm

-include $(wildcard $(patsubst %.o,%.d,$(call fuzz_objects,$(FUZZ_SRC) $(FUZZ_SHARED))))
