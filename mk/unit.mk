# SPDX-License-Identifier: Apache-2.0
# tests/unit/test_*.c: each a cmocka program of its own, linked against the archives.
# Other .c files there are helpers for all of them. A test that needs linker flags of its own
# (say -Wl,--wrap=malloc) sets LDFLAGS_test_NAME in tests/unit/unit.mk.

-include tests/unit/unit.mk

UNIT_SRC    := $(sort $(wildcard tests/unit/test_*.c))
UNIT_NAMES  := $(patsubst tests/unit/%.c,%,$(UNIT_SRC))
UNIT_BIN    := $(patsubst %,$(B)/tests/unit/%,$(UNIT_NAMES))
UNIT_OBJ    := $(call objects,$(UNIT_SRC))
UNIT_HELPER := $(call objects,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))

.PHONY: unit unit-build unit-list
unit-build: $(UNIT_BIN)

unit-list:
	@printf '%s\n' $(UNIT_BIN)

# Runs them all, then says which failed.
unit: $(UNIT_BIN)
	@failed=; for t in $(UNIT_BIN); do \
	  printf '  RUN   %s\n' $$t; $$t >$$t.log 2>&1 || { cat $$t.log; failed="$$failed $$t"; }; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

$(UNIT_BIN): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(UNIT_HELPER) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LINK_FLAGS) $(LDFLAGS_$*) -o $@ $(filter %.o,$^) \
	  -Wl,--start-group $(LIBS) -Wl,--end-group $(HOST_LIBS) -lcmocka -lm

-include $(wildcard $(UNIT_OBJ:.o=.d) $(UNIT_HELPER:.o=.d))
