#include "textflag.h"

// onSignal is called by the kernel with the C calling convention: R0 is the
// signal, R1 the siginfo, R2 the ucontext. See signal.go for what it does.
TEXT ·onSignal(SB), NOSPLIT|NOFRAME, $0
	MOVW	8(R1), R3		// si_code
	CMPW	$0, R3
	BGT	kernel
	MOVW	16(R1), R4		// si_pid
	MOVW	·selfPID(SB), R5
	CMPW	R4, R5
	BEQ	chain
pass:
	MOVW	·signalPipe(SB), R0
	MOVD	$128, R2		// sizeof(siginfo_t)
	MOVD	$64, R8			// write
	SVC
	RET
kernel:
	MOVD	$1, R3
	LSL	R0, R3, R3
	MOVD	·faultSet(SB), R4
	TST	R3, R4
	BEQ	pass
chain:
	MOVD	·goHandler(SB), R3
	JMP	(R3)

TEXT ·onSignalAddress(SB), NOSPLIT, $0-8
	MOVD	$·onSignal(SB), R3
	MOVD	R3, ret+0(FP)
	RET
