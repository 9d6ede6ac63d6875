#!/bin/sh
# Prints the greeting that the product serves.
echo "Hello from the vendor."
