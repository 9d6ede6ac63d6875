#!/bin/sh
# A vendor's script, as vendors write them. The configuration replaces the commands before any host sees this.
yum -y install java-17-headless
yum -y install unzip
