#!/bin/sh
# Installs what Ledger Server needs from the operating system.
yum -y install fontconfig
yum -y install tzdata
yum -y install ca-certificates
