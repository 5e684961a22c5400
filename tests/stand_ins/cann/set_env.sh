# Source this to start programs with the stand-in in place of CANN, like CANN's own set_env.sh.
ASCEND_TOOLKIT_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ASCEND_TOOLKIT_HOME
export PATH="$ASCEND_TOOLKIT_HOME/bin:$PATH"
export PYTHONPATH="$ASCEND_TOOLKIT_HOME/python/site-packages${PYTHONPATH:+:$PYTHONPATH}"
