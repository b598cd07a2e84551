#include "textflag.h"

// func pause()
TEXT ·pause(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	$30, R0
loop:
	YIELD
	SUBS	$1, R0, R0
	BNE	loop
	RET
