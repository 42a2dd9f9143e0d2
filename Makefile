# SPDX-License-Identifier: Apache-2.0
# Builds Hull: one make for everything, output in build/$(VARIANT)/. `make help` lists the targets.
# Sources are found by folder, so a new file needs no line here.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VARIANT ?= release
PREFIX  ?= /usr/local
VERSION := $(shell cat VERSION)

include mk/toolchain.mk
include mk/sources.mk
include mk/build.mk
include mk/unit.mk
include mk/freestanding.mk
include mk/metal.mk
include mk/checks.mk

-include tests/guest/guest.mk
-include tests/fuzz/fuzz.mk
-include metal/demo/demo.mk

.PHONY: all clean install help FORCE guest-tests fuzz demo
all: $(if $(HOST_MAIN),$(HULL),$(LIBS))

# The program finds the image recipes in ../share/hull/image.
install: $(HULL)
	install -D -m 755 $(HULL) $(DESTDIR)$(PREFIX)/bin/hull
	install -d $(DESTDIR)$(PREFIX)/share/hull $(addprefix $(DESTDIR)$(PREFIX)/share/man/,man1 man5)
	rm -rf $(DESTDIR)$(PREFIX)/share/hull/image
	cp -R host/image $(DESTDIR)$(PREFIX)/share/hull/image
	install -m 644 $(wildcard docs/schema/*.json) $(DESTDIR)$(PREFIX)/share/hull/
	install -m 644 $(wildcard docs/man/*.1) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(wildcard docs/man/*.5) $(DESTDIR)$(PREFIX)/share/man/man5/

clean:
	rm -rf $(BUILD)

help:
	@echo 'make [TARGET] [VARIANT=release|debug|asan|tsan|clang] [WERROR=1] [LTO=1] [V=1]'
	@echo '  all            build/VARIANT/hull (the default)'
	@echo '  unit           build and run the unit tests; unit-build only builds them'
	@echo '  freestanding   lib, core and guest as one riscv64 object without a libc'
	@echo '  guest-tests    the bare-metal test programs'
	@echo '  fuzz           the fuzz targets'
	@echo '  demo           the bare-metal demo'"'"'s own guest'
	@echo '  format         lay the sources out; format-check only says what differs'
	@echo '  check-headers  every header of include/hull compiles alone'
	@echo '  check-layers   includes point one way: lib, core, guest, engine, host'
	@echo '  install        to PREFIX ($(PREFIX)), below DESTDIR'
	@echo '  clean          remove build/ (or BUILD=DIR)'
