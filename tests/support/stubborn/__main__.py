from tests.support.stubborn.composition import main

main()
