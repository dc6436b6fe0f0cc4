# scripts/worlds.sh sources this file for the world `linux`: this host's files under a kernel of
# Debian, in a virtual machine of qemu. That kernel has bonds and RAID, which others may lack.

# The modules that the tests need. They do not load them.
modules="loop md-mod raid0 raid1 raid456 bonding veth bridge 8021q macvlan tun vxlan"

# What the machine runs first: it takes over the files of this host, and runs what it is given.
FIRST='#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for module in $($b cat /modules/order); do $b insmod /modules/$module; done
if $b mount -t virtiofs root /root; then
    for each in dev proc sys; do $b mount --move /$each /root/$each; done
    $b mount -t tmpfs run /root/run
    $b ip link set lo up
    $b chroot /root /bin/bash $($b sed "s/.*run=\([^ ]*\).*/\1/" /root/proc/cmdline)
fi
$b poweroff -f'

# Unpacks kernel and tools, and makes the first filesystem: make_machine DIRECTORY.
make_machine() {
    local target=$1 kernel version first=$1.making/first module
    [ ! -e "$target" ] || return 0
    kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p')
    [ -n "$kernel" ] || { echo "apt knows no linux-image-cloud-amd64; update it" >&2; return 1; }
    version=${kernel#linux-image-}
    rm -rf "$target.making"
    mkdir -p "$first"/{bin,dev,modules,proc,root,sys}
    (cd "$target.making" && apt-get -qq download "$kernel" busybox-static mdadm >&2 </dev/null)
    for package in "$target.making"/*.deb; do dpkg-deb -x "$package" "$target.making"; done
    rm "$target.making"/*.deb
    cp "$target.making/boot/vmlinuz-$version" "$target.making/vmlinuz"
    cp "$target.making/bin/busybox" "$first/bin/"
    printf '%s\n' "$FIRST" >"$first/init"
    chmod 755 "$first/init"
    depmod -b "$target.making" "$version"
    for module in virtio_pci virtiofs; do
        modprobe -d "$target.making" -S "$version" --show-depends "$module"
    done | awk '/^insmod/ && !seen[$2]++ { print $2 }' | while read -r module; do
        cp "$module" "$first/modules/"
        basename "$module" >>"$first/modules/order"
    done
    (cd "$first" && find . | bin/busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$target.making/first.gz"
    mv "$target.making" "$target"
}

# Runs tests there; by default, those of bonds and RAID. It emulates the processor, so it is slow.
with_linux() {
    local target=$cache/linux job shared share memory=1536
    [ "$(id -u)" = 0 ] || { echo "only root can show this host's files to it; use sudo" >&2; return 1; }
    [ $# -gt 0 ] || set -- tests/checks/_devices/test_bonds.py tests/checks/_devices/test_arrays.py
    environment requirements-dev.lock
    debian iproute2 kmod qemu-system-x86 util-linux
    make_machine "$target"
    job=$(mktemp -d "$target/job.XXXXXX")
    cat >"$job/run" <<RUN
exec >"$job/out" 2>&1
export PATH="$target/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LANG=C.UTF-8
for module in $modules; do modprobe -d "$target" "\$module"; done
mkdir "$job/tmp" && mount -t tmpfs tmpfs "$job/tmp" && cd "$PWD"
"$venv/bin/python" -m pytest -p no:cacheprovider --basetemp="$job/tmp/tests" $(printf '%q ' "$@")
echo \$? >"$job/status"
RUN
    share=/usr/lib/qemu/virtiofsd # it comes with qemu in Debian 12, and alone from Debian 13 on
    [ -e $share ] || { debian virtiofsd && share=/usr/libexec/virtiofsd; }
    "$share" --socket-path="$job/share" -o source=/ -o cache=auto -o sandbox=chroot 2>"$job/share.log" &
    shared=$!
    while [ ! -S "$job/share" ] && kill -0 "$shared"; do sleep 0.1; done
    qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m "$memory" -nodefaults -no-reboot -nic none \
        -display none -serial "file:$job/console" \
        -kernel "$target/vmlinuz" -initrd "$target/first.gz" \
        -append "console=ttyS0 quiet panic=-1 run=$job/run" \
        -object "memory-backend-memfd,id=memory,size=${memory}M,share=on" \
        -numa node,memdev=memory -chardev "socket,id=share,path=$job/share" \
        -device vhost-user-fs-pci,chardev=share,tag=root </dev/null
    kill "$shared" 2>/dev/null || true
    cat "$job/out" 2>/dev/null || tail -n 20 "$job/console" >&2
    [ "$(cat "$job/status" 2>/dev/null)" = 0 ] && rm -rf "$job"
}
