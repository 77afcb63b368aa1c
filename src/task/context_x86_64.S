/*
 * context_x86_64.S - System V ABI.
 *
 * A saved context is a stack pointer; above it lie, in this order,
 *
 *	r15 r14 r13 r12 rbx rbp  return address
 *
 * It is left with `ret`, not with a jump: all switches come from one call site
 * (worker.c), so the processor's return predictor is right, and stays paired.
 */
	.text

	.globl	chp__context_switch
	.hidden	chp__context_switch
	.type	chp__context_switch, @function
	.p2align 4
chp__context_switch:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	/* The other stack has the same shape, so the CFI holds for it too. */
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	/* rax: pointer; rdx: word, as it came. */
	movq	%rcx, %rax
	ret
	.cfi_endproc
	.size	chp__context_switch, . - chp__context_switch

/* First and last code of a context: r12 holds entry, rax and rdx what was
   passed. */
	.type	first, @function
	.p2align 4
first:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	movq	%rax, %rdi
	movq	%rdx, %rsi
	xorl	%ebp, %ebp
	subq	$32, %rsp
	movq	%rsp, %rdx
	callq	*%r12
	/* Onward, by a jump: there was no call for a `ret` to be paired with. */
	movq	16(%rsp), %rax
	movq	8(%rsp), %rdx
	movq	(%rsp), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	popq	%rcx
	jmpq	*%rcx
	.cfi_endproc
	.size	first, . - first

	.globl	chp__context_make
	.hidden	chp__context_make
	.type	chp__context_make, @function
	.p2align 4
chp__context_make:
	.cfi_startproc
	endbr64
	/* `first` finds rsp at top - 16, aligned for its call. */
	leaq	first(%rip), %rax
	movq	$0, -8(%rdi)
	movq	$0, -16(%rdi)
	movq	%rax, -24(%rdi)
	movq	$0, -32(%rdi)		/* rbp */
	movq	$0, -40(%rdi)		/* rbx */
	movq	%rsi, -48(%rdi)		/* r12: entry */
	movq	$0, -56(%rdi)		/* r13 */
	movq	$0, -64(%rdi)		/* r14 */
	movq	$0, -72(%rdi)		/* r15 */
	leaq	-72(%rdi), %rax
	ret
	.cfi_endproc
	.size	chp__context_make, . - chp__context_make

	.section .note.GNU-stack, "", @progbits
