# One picture of a fitted density in two dimensions: data beside samples, and exp(logprob) on a grid.
#
#   gnuplot -e "folder='runs/demo'; data='data/circles.csv'" scripts/density.gp
#
# reads folder/samples.csv and folder/grid.csv (x1, x2, logprob); writes folder/circles.png.
set terminal pngcairo size 1590,560 font "sans,12" background "#ffffff"
set output folder . "/circles.png"
set datafile separator ","
limit = 2.5
rows(file) = system("tail -n +2 ".file." | wc -l")

set palette defined (0 "#440154", 1 "#482878", 2 "#3e4989", 3 "#31688e", 4 "#26828e", 5 "#1f9e89", 6 "#35b779", 7 "#6ece58", 8 "#b5de2b", 9 "#fde725")
set size square
set xrange [-limit:limit]
set yrange [-limit:limit]
set xtics -2,1,2 nomirror out
set ytics -2,1,2 nomirror out
set xlabel "x1"
set ylabel "x2" offset 1,0
set border 3 linecolor "#606060"
set title font ",14"
unset key

set multiplot
set bmargin at screen 0.13
set tmargin at screen 0.90

set lmargin at screen 0.040
set rmargin at screen 0.312
set title "data: ".rows(data)." rows"
set grid linecolor "#e8e8e8"
plot data every ::1 using 1:2 with points pointtype 7 pointsize 0.55 linecolor "#90443a83"

set lmargin at screen 0.350
set rmargin at screen 0.622
set title "samples: ".rows(folder."/samples.csv")." rows"
plot folder."/samples.csv" every ::1 using 1:2 with points pointtype 7 pointsize 0.55 linecolor "#90177a75"

set lmargin at screen 0.660
set rmargin at screen 0.932
set title "density: exp(logprob)"
unset grid
set border 15
set cbrange [0:*]
set cbtics nomirror out
set colorbox user origin screen 0.940,0.13 size screen 0.010,0.77
plot folder."/grid.csv" every ::1 using 1:2:(exp($3)) with image
unset multiplot
