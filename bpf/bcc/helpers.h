/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What BCC's header of this name gives is in dynmon/dialect.h, included before any code. */
