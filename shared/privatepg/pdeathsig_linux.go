package privatepg

import "syscall"

// dieWithParent asks the kernel for a fast shutdown of the child when we are
// killed without a chance to stop it. The kernel watches the thread that
// started the child, not the process: see startProcess.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
