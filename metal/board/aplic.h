// SPDX-License-Identifier: Apache-2.0
// Registers of an APLIC's domain (AIA 1.0, chapter 4), and what both of its delivery modes have in common.
#ifndef METAL_BOARD_APLIC_H
#define METAL_BOARD_APLIC_H

#include "metal/board/irqchip.h"

#define APLIC_DOMAINCFG 0x0000ull
#define APLIC_SOURCECFG(source) (0x0000ull + 4ull * (source))
#define APLIC_SETIP(source) (0x1c00ull + (source) / 32 * 4)
#define APLIC_IN_CLRIP(source) (0x1d00ull + (source) / 32 * 4)
#define APLIC_CLRIPNUM 0x1ddcull
#define APLIC_SETIENUM 0x1edcull
#define APLIC_CLRIE(word) (0x1f00ull + 4ull * (word))
#define APLIC_CLRIENUM 0x1fdcull
#define APLIC_SETIPNUM_LE 0x2000ull
#define APLIC_GENMSI 0x3000ull
#define APLIC_TARGET(source) (0x3000ull + 4ull * (source))
#define APLIC_IDC(hart) (0x4000ull + 0x20ull * (hart))

#define APLIC_DOMAINCFG_IE 0x100u
#define APLIC_DOMAINCFG_MSI 0x4u
#define APLIC_GENMSI_BUSY 0x1000u
#define APLIC_TARGET_HART_SHIFT 18
#define APLIC_TARGET_FILE_SHIFT 12

void aplic_init(const struct irqchip *chip);
void aplic_unroute(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source);
void aplic_source_on(const struct irqchip *chip, uint32_t source, enum irq_trigger trigger,
                     uint32_t target);
bool aplic_source_is_level(const struct irqchip *chip, uint32_t source);
bool aplic_source_is_active(const struct irqchip *chip, uint32_t source); // whatever is pending
void aplic_source_pend(const struct irqchip *chip, uint32_t source, bool pending);
bool aplic_source_is_pending(const struct irqchip *chip, uint32_t source);

#endif
