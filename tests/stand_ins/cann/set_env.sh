# Source this to start a program with the stand-in instead of CANN, as its own set_env.sh does.
ASCEND_TOOLKIT_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ASCEND_TOOLKIT_HOME
export PATH="$ASCEND_TOOLKIT_HOME/bin:$PATH"
export PYTHONPATH="$ASCEND_TOOLKIT_HOME/python/site-packages${PYTHONPATH:+:$PYTHONPATH}"
