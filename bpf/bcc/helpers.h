/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dynmon/dialect.h, included before any code, provides the contents of BCC's header of this name.
 */
