/*
 * context_riscv64.S - LP64D.
 *
 * A saved context is a stack pointer; above it lie, in this order,
 *
 *	ra s0..s11  (13 words)  pad  fs0..fs11              208 bytes
 */

/* What is saved above sp, and off the stack; but for ra. */
	.macro load_saved
	ld	s0, 8(sp)
	ld	s1, 16(sp)
	ld	s2, 24(sp)
	ld	s3, 32(sp)
	ld	s4, 40(sp)
	ld	s5, 48(sp)
	ld	s6, 56(sp)
	ld	s7, 64(sp)
	ld	s8, 72(sp)
	ld	s9, 80(sp)
	ld	s10, 88(sp)
	ld	s11, 96(sp)
	fld	fs0, 112(sp)
	fld	fs1, 120(sp)
	fld	fs2, 128(sp)
	fld	fs3, 136(sp)
	fld	fs4, 144(sp)
	fld	fs5, 152(sp)
	fld	fs6, 160(sp)
	fld	fs7, 168(sp)
	fld	fs8, 176(sp)
	fld	fs9, 184(sp)
	fld	fs10, 192(sp)
	fld	fs11, 200(sp)
	addi	sp, sp, 208
	.endm

	.text

	.globl	chp__context_switch
	.hidden	chp__context_switch
	.type	chp__context_switch, @function
	.p2align 2
chp__context_switch:
	.cfi_startproc
	addi	sp, sp, -208
	.cfi_adjust_cfa_offset 208
	sd	ra, 0(sp)
	.cfi_rel_offset ra, 0
	sd	s0, 8(sp)
	.cfi_rel_offset s0, 8
	sd	s1, 16(sp)
	.cfi_rel_offset s1, 16
	sd	s2, 24(sp)
	.cfi_rel_offset s2, 24
	sd	s3, 32(sp)
	.cfi_rel_offset s3, 32
	sd	s4, 40(sp)
	.cfi_rel_offset s4, 40
	sd	s5, 48(sp)
	.cfi_rel_offset s5, 48
	sd	s6, 56(sp)
	.cfi_rel_offset s6, 56
	sd	s7, 64(sp)
	.cfi_rel_offset s7, 64
	sd	s8, 72(sp)
	.cfi_rel_offset s8, 72
	sd	s9, 80(sp)
	.cfi_rel_offset s9, 80
	sd	s10, 88(sp)
	.cfi_rel_offset s10, 88
	sd	s11, 96(sp)
	.cfi_rel_offset s11, 96
	fsd	fs0, 112(sp)
	fsd	fs1, 120(sp)
	fsd	fs2, 128(sp)
	fsd	fs3, 136(sp)
	fsd	fs4, 144(sp)
	fsd	fs5, 152(sp)
	fsd	fs6, 160(sp)
	fsd	fs7, 168(sp)
	fsd	fs8, 176(sp)
	fsd	fs9, 184(sp)
	fsd	fs10, 192(sp)
	fsd	fs11, 200(sp)
	sd	sp, 0(a0)
	mv	sp, a1
	/* The other stack has the same shape, so the CFI holds for it too. */
	ld	ra, 0(sp)
	load_saved
	.cfi_adjust_cfa_offset -208
	mv	a0, a3
	mv	a1, a2
	ret
	.cfi_endproc
	.size	chp__context_switch, . - chp__context_switch

/* First and last code of a context: s1 holds entry, a0 and a1 what was
   passed. */
	.type	first, @function
	.p2align 2
first:
	.cfi_startproc
	.cfi_undefined ra
	li	s0, 0
	li	ra, 0
	addi	sp, sp, -32
	mv	a2, sp
	jalr	s1
	/* Onward, by a jump: there was no call for a `ret` to be paired with,
	   and ra would make it one. */
	ld	a1, 8(sp)
	ld	a0, 16(sp)
	ld	sp, 0(sp)
	ld	t1, 0(sp)
	load_saved
	jr	t1
	.cfi_endproc
	.size	first, . - first

	.globl	chp__context_make
	.hidden	chp__context_make
	.type	chp__context_make, @function
	.p2align 2
chp__context_make:
	.cfi_startproc
	addi	a0, a0, -208
	la	t0, first
	sd	t0, 0(a0)
	sd	zero, 8(a0)
	sd	a1, 16(a0)
	sd	zero, 24(a0)
	sd	zero, 32(a0)
	sd	zero, 40(a0)
	sd	zero, 48(a0)
	sd	zero, 56(a0)
	sd	zero, 64(a0)
	sd	zero, 72(a0)
	sd	zero, 80(a0)
	sd	zero, 88(a0)
	sd	zero, 96(a0)
	sd	zero, 112(a0)
	sd	zero, 120(a0)
	sd	zero, 128(a0)
	sd	zero, 136(a0)
	sd	zero, 144(a0)
	sd	zero, 152(a0)
	sd	zero, 160(a0)
	sd	zero, 168(a0)
	sd	zero, 176(a0)
	sd	zero, 184(a0)
	sd	zero, 192(a0)
	sd	zero, 200(a0)
	ret
	.cfi_endproc
	.size	chp__context_make, . - chp__context_make

	.section .note.GNU-stack, "", @progbits
