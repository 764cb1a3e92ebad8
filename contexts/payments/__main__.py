from contexts.payments.composition import compose
from mallbots_platform.command_line import main

main(compose)
