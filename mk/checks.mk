# SPDX-License-Identifier: Apache-2.0
# Checks of the sources themselves: layout, headers that stand alone, direction of the includes.

FORMAT_DIRS := include lib core guest engine host metal tests bench
FORMAT_FILES = $(sort $(shell find $(wildcard $(FORMAT_DIRS)) -name '*.[ch]' -type f))

.PHONY: format format-check check-headers check-layers
format:
	$(if $(FORMAT_FILES),$(CLANG_FORMAT) -i $(FORMAT_FILES))

format-check:
	$(if $(FORMAT_FILES),@$(CLANG_FORMAT) --dry-run -Werror --ferror-limit=3 $(FORMAT_FILES))

# Twice each: a header must also survive being included a second time.
check-headers:
	@failed=0; for cc in gcc $(CLANG); do for h in $(PUBLIC_HEADERS); do \
	  printf '#include "%s"\n#include "%s"\n' $$h $$h | \
	    $$cc $(STD) -ffreestanding $(WARNINGS) -Werror -Iinclude -I. -fsyntax-only -x c - || \
	    { echo "$$h does not compile alone with $$cc"; failed=1; }; \
	done; done; exit $$failed

check-layers:
	@tools/check-layers
