# A static program that can be loaded anywhere (-static-pie) exports nothing: it loads no plugins,
# and when it exports a thread-local variable, GNU ld makes it need a relocation that glibc cannot
# do before there are threads; it crashes before main. So the link options of sigsafe ask the
# property SIGSAFE_STATIC_PIE of the program, which is set here when all targets are known.

function(sigsafe_find_static_pie directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  set(common)
  foreach(variable IN ITEMS CMAKE_CXX_FLAGS CMAKE_EXE_LINKER_FLAGS)
    get_directory_property(value DIRECTORY ${directory} DEFINITION ${variable})
    string(APPEND common " ${value}")
  endforeach()
  foreach(target IN LISTS targets)
    get_target_property(options ${target} LINK_OPTIONS)
    get_target_property(flags ${target} LINK_FLAGS)
    if("${common} ${flags} ${options}" MATCHES "-static-pie")
      set_target_properties(${target} PROPERTIES SIGSAFE_STATIC_PIE ON)
    endif()
  endforeach()
  get_property(below DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS below)
    sigsafe_find_static_pie(${subdirectory})
  endforeach()
endfunction()

cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL sigsafe_find_static_pie
               ${CMAKE_SOURCE_DIR})
