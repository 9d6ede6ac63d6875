#!/bin/sh
# A vendor's script, as vendors write them: the configuration replaces `yum -y` before any host sees this.
yum -y install java-17-headless
yum -y install unzip
