# Runs a server and writes down what passes on its standard input and output:
#
#     sh tap.sh PREFIX COMMAND ARG…      writes PREFIX.PID.in and PREFIX.PID.out
#
# For servers that end when their input does: the end of one that dies by itself is not seen before the
# next message to it.
prefix=$1
shift
tee "$prefix.$$.in" | "$@" | tee "$prefix.$$.out"
