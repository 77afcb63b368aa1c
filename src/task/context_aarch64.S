/*
 * context_aarch64.S - AAPCS64.
 *
 * A saved context is a stack pointer; above it lie, in this order,
 *
 *	x19..x28  x29 x30  d8..d15                          160 bytes
 */

/* What is saved above sp, and off the stack. */
	.macro load_saved
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #160
	.endm

	.text

	.globl	chp__context_switch
	.hidden	chp__context_switch
	.type	chp__context_switch, %function
	.p2align 4
chp__context_switch:
	.cfi_startproc
	sub	sp, sp, #160
	.cfi_adjust_cfa_offset 160
	stp	x19, x20, [sp, #0]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	stp	x21, x22, [sp, #16]
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	stp	x23, x24, [sp, #32]
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	stp	x25, x26, [sp, #48]
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	stp	x27, x28, [sp, #64]
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	stp	x29, x30, [sp, #80]
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	/* The other stack has the same shape, so the CFI holds for it too. */
	load_saved
	.cfi_adjust_cfa_offset -160
	mov	x0, x3
	mov	x1, x2
	ret
	.cfi_endproc
	.size	chp__context_switch, . - chp__context_switch

/* First and last code of a context: x19 holds entry, x0 and x1 what was
   passed. */
	.type	first, %function
	.p2align 4
first:
	.cfi_startproc
	.cfi_undefined x30
	mov	x29, #0
	mov	x30, #0
	sub	sp, sp, #32
	mov	x2, sp
	blr	x19
	/* Onward, by a jump: there was no call for a `ret` to be paired with. */
	ldp	x9, x1, [sp, #0]
	ldr	x0, [sp, #16]
	mov	sp, x9
	load_saved
	br	x30
	.cfi_endproc
	.size	first, . - first

	.globl	chp__context_make
	.hidden	chp__context_make
	.type	chp__context_make, %function
	.p2align 4
chp__context_make:
	.cfi_startproc
	sub	x2, x0, #160
	stp	x1, xzr, [x2, #0]
	stp	xzr, xzr, [x2, #16]
	stp	xzr, xzr, [x2, #32]
	stp	xzr, xzr, [x2, #48]
	stp	xzr, xzr, [x2, #64]
	adrp	x3, first
	add	x3, x3, :lo12:first
	stp	xzr, x3, [x2, #80]
	stp	xzr, xzr, [x2, #96]
	stp	xzr, xzr, [x2, #112]
	stp	xzr, xzr, [x2, #128]
	stp	xzr, xzr, [x2, #144]
	mov	x0, x2
	ret
	.cfi_endproc
	.size	chp__context_make, . - chp__context_make

	.section .note.GNU-stack, "", %progbits
