#include "textflag.h"

// onSignal is called by the kernel with the C calling convention: DI is the
// signal, SI the siginfo, DX the ucontext. See signal.go for what it does.
TEXT ·onSignal(SB), NOSPLIT|NOFRAME, $0
	MOVL	8(SI), AX		// si_code
	CMPL	AX, $0
	JGT	kernel
	MOVL	16(SI), CX		// si_pid
	CMPL	CX, ·selfPID(SB)
	JEQ	chain
pass:
	MOVL	·signalPipe(SB), DI
	MOVL	$128, DX		// sizeof(siginfo_t)
	MOVL	$1, AX			// write
	SYSCALL
	RET
kernel:
	MOVL	DI, CX
	MOVQ	$1, AX
	SHLQ	CX, AX
	TESTQ	AX, ·faultSet(SB)
	JEQ	pass
chain:
	MOVQ	·goHandler(SB), AX
	JMP	AX

TEXT ·onSignalAddress(SB), NOSPLIT, $0-8
	LEAQ	·onSignal(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
