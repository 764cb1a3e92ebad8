from contexts.baskets.composition import compose
from mallbots_platform.command_line import main

main(compose)
